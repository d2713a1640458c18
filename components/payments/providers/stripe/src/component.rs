//! The component's exports.

use std::cell::RefCell;
use std::rc::Rc;

use mercato_platform::log;

use crate::Component;
use crate::adapter;
use crate::bindings::exports::mercato::payments::{checkout_simulator, provider};
use crate::breaker::Breaker;
use crate::client::Client;
use crate::host_http::HostHttp;
use crate::metrics;
use crate::pace::HostPace;
use crate::settings::Settings;

/// Its name, as stored with payments.
const NAME: &str = "stripe";

/// What an instance keeps from one request to the next: nothing that belongs to a request.
#[derive(Default)]
struct Kept {
    transport: HostHttp,
    pace: HostPace,
    breaker: RefCell<Breaker>,
    settings: RefCell<Option<Rc<Settings>>>,
}

thread_local! {
    static KEPT: Rc<Kept> = {
        metrics::started();
        Rc::default()
    };
}

impl Kept {
    async fn settings(&self) -> Result<Rc<Settings>, provider::ProviderError> {
        if let Some(settings) = self.settings.borrow().clone() {
            return Ok(settings);
        }
        let read = Settings::read().await;
        let settings = Rc::new(read.map_err(provider::ProviderError::Unavailable)?);
        self.settings.replace(Some(Rc::clone(&settings)));
        Ok(settings)
    }

    fn client<'a>(&'a self, settings: &'a Settings) -> Client<'a, HostHttp, HostPace> {
        Client {
            transport: &self.transport,
            pace: &self.pace,
            breaker: &self.breaker,
            access: &settings.access,
        }
    }
}

fn kept() -> Rc<Kept> {
    KEPT.with(Rc::clone)
}

impl provider::Guest for Component {
    fn name() -> String {
        NAME.to_owned()
    }

    async fn create_session(
        request: provider::SessionRequest,
    ) -> Result<provider::Session, provider::ProviderError> {
        let kept = kept();
        let settings = kept.settings().await?;
        let client = kept.client(&settings);
        let ids = [
            ("order_id", request.order_id.as_str()),
            ("payment_id", request.payment_id.as_str()),
        ];
        let session = adapter::create_session(&client, &settings.checkout, &request);
        log::in_span(&ids, session).await
    }

    async fn expire_session(
        session_id: String,
    ) -> Result<provider::SessionState, provider::ProviderError> {
        let kept = kept();
        let settings = kept.settings().await?;
        adapter::expire_session(&kept.client(&settings), &session_id).await
    }

    async fn refund(
        request: provider::RefundRequest,
    ) -> Result<provider::RefundReceipt, provider::ProviderError> {
        let kept = kept();
        let settings = kept.settings().await?;
        let client = kept.client(&settings);
        let ids = [
            ("order_id", request.order_id.as_str()),
            ("payment_id", request.payment_id.as_str()),
        ];
        log::in_span(&ids, adapter::refund(&client, &request)).await
    }
}

/// Stripe's customers pay for themselves.
impl checkout_simulator::Guest for Component {
    fn is_simulator() -> bool {
        false
    }

    async fn simulate(
        _payment: checkout_simulator::SimulatedPayment,
        _outcome: checkout_simulator::Outcome,
        _signing_secret: String,
    ) -> Option<checkout_simulator::SignedWebhook> {
        None
    }
}
