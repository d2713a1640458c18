use mercato_tests::shop::Shop;

#[test]
fn the_front_door_says_that_the_shop_is_up() {
    let answer = Shop::shared().nobody().get("/").expect(200);
    assert_eq!(answer.text(), "API Gateway is up and running!");
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
}

#[test]
fn a_browser_gets_a_page_that_leads_on() {
    let nobody = Shop::shared().nobody();
    let accepted = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let page = nobody.get("/").header("accept", accepted).expect(200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(page.lists("vary", "accept"));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let page = page.text();
    assert!(page.contains("Everything is up."), "{page}");
    let links = page.split("href=\"").skip(1);
    let links: Vec<&str> = links.filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(links.len(), 4);
    for link in links {
        nobody.get(link).expect(200);
    }
    for accepted in ["text/plain", "*/*", "application/json"] {
        let answer = nobody.get("/").header("accept", accepted).expect(200);
        assert_eq!(answer.text(), "API Gateway is up and running!");
    }
}
