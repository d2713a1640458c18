use mercato_tests::Server;
#[test]
fn x() {
    let _ = Server::builder();
}
