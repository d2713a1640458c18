#[test]
fn time_start() {
    let t = std::time::Instant::now();
    let w = mercato_reliability::World::new();
    println!("first {:?}", t.elapsed());
    w.client().get("/api/health/ready").send().expect(200);
    println!("ready {:?}", t.elapsed());
    let s = w.into_snapshot();
    for _ in 0..5 {
        let t = std::time::Instant::now();
        let w = mercato_reliability::World::from_snapshot(&s);
        println!("start {:?}", t.elapsed());
        w.client().get("/api/v1/products").send().expect(200);
        println!("answered {:?}", t.elapsed());
        w.recover();
        println!("recovered {:?}", t.elapsed());
        drop(w);
        println!("dropped {:?}", t.elapsed());
    }
}
