//! Registers, fills, orders and pays, as the measurement does.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{Settings, Shop, ensure_admin, router};

const CATALOGUE: &str =
    "name,description,sku,price,stock\nred cup,\"Small, round\",C-1,12.50,3\n,,C-2,-1,1\n";

struct Client {
    router: Router,
    token: String,
    key: &'static str,
}

impl Client {
    async fn send(&self, method: &str, path: &str, body: String) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header("Idempotency-Key", self.key)
            .body(Body::from(body))
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send("POST", path, body.to_string()).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, String::new()).await
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn a_purchase_is_made_once_and_paid_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(purchase());
}

async fn purchase() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Arc::new(
        Shop::open(&Settings {
            database: folder.path().join("shop.db"),
            jwt_secret: "a secret of forty bytes, for tests only.".to_owned(),
            public_url: "http://shop.test".to_owned(),
        })
        .unwrap(),
    );
    ensure_admin(&shop, "root@shop.test".to_owned(), "Engine-No-1".to_owned())
        .await
        .unwrap();
    let mut client = Client {
        router: router(shop),
        token: String::new(),
        key: "one",
    };

    let credentials = json!({ "email": "root@shop.test", "password": "Engine-No-1" });
    let (status, session) = client.post("/api/v1/auth/login", credentials).await;
    assert_eq!(status, 200, "{session}");
    let (status, _) = client
        .send("POST", "/api/v1/products/import", CATALOGUE.to_owned())
        .await;
    assert_eq!(status, 401);
    client.token = text(&session["accessToken"]).to_owned();
    for (created, unchanged) in [(1, 0), (0, 1)] {
        let (_, report) = client
            .send("POST", "/api/v1/products/import", CATALOGUE.to_owned())
            .await;
        assert_eq!(report["created"], created, "{report}");
        assert_eq!(report["unchanged"], unchanged, "{report}");
        assert_eq!(report["failed"][0]["line"], 3, "{report}");
    }
    let (_, found) = client.get("/api/v1/products?q=cup+ro").await;
    assert_eq!(found["meta"]["total"], 1, "{found}");
    assert_eq!(found["data"][0]["price"], 12.5, "{found}");
    let product = text(&found["data"][0]["id"]).to_owned();

    let order =
        |quantity: i64| json!({ "items": [{ "productId": product, "quantity": quantity }] });
    let (status, placed) = client.post("/api/v1/orders", order(2)).await;
    assert_eq!(status, 201, "{placed}");
    assert_eq!(placed["order"]["totalAmount"], 25, "{placed}");
    let (_, again) = client.post("/api/v1/orders", order(2)).await;
    assert_eq!(again, placed);
    assert_eq!(client.post("/api/v1/orders", order(1)).await.0, 422);
    client.key = "two";
    assert_eq!(client.post("/api/v1/orders", order(2)).await.0, 409);

    let session = text(&placed["paymentSession"]["id"]);
    let checkout = format!("/api/v1/payments/mock/checkout/{session}");
    for _ in 0..2 {
        let (status, payment) = client
            .post(&checkout, json!({ "outcome": "succeed" }))
            .await;
        assert_eq!(
            (status, text(&payment["status"])),
            (200, "SUCCEEDED"),
            "{payment}"
        );
    }
    let (_, order) = client
        .get(&format!("/api/v1/orders/id/{}", text(&placed["id"])))
        .await;
    assert_eq!(
        (&order["status"], &order["version"]),
        (&json!("PAID"), &json!(2)),
        "{order}"
    );
    assert_eq!(order["history"].as_array().unwrap().len(), 2, "{order}");
    let (_, product) = client.get(&format!("/api/v1/products/{product}")).await;
    assert_eq!(product["stock"], 1, "{product}");
}
