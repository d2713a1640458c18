//! The contract's exports, each a use case.

use mercato_platform::{ids, log};
use mercato_tokens::Role;
use spin_sdk::wasip3::clocks::monotonic_clock;

use super::service::service;
use crate::application::{Error, Place, Renewal, Session, commands, queries};
use crate::bindings::exports::mercato::auth::accounts as wit;
use crate::domain::{
    Account, AccountChanges, AccountId, Bearer, FieldError, RefreshSecret, Revoked, SessionSummary,
};
use crate::ports::Store;

const MS_PER_SECOND: u64 = 1_000;

const NANOSECONDS_PER_MS: u64 = 1_000_000;

/// What the world exports.
pub struct Component;

/// Tries again and again while the use case has a place in the line of those whose passwords are to be hashed.
async fn in_turn<T>(attempt: impl Fn(Option<Place>) -> Result<T, Error>) -> Result<T, Error> {
    let mut place = None;
    loop {
        match attempt(place) {
            Err(Error::MustWait(next)) => {
                let nanoseconds = next.pause_ms.saturating_mul(NANOSECONDS_PER_MS);
                monotonic_clock::wait_for(nanoseconds).await;
                place = Some(next);
            }
            result => return result,
        }
    }
}

/// A registration as it came from a client.
fn to_command(registration: wit::Registration, client: Option<String>) -> commands::Register {
    let wit::Registration {
        name,
        email,
        password,
    } = registration;
    commands::Register {
        name,
        email,
        password,
        client,
    }
}

impl wit::Guest for Component {
    fn check_registration(registration: wit::Registration) -> Vec<wit::FieldError> {
        let errors = commands::check_registration(to_command(registration, None));
        errors.into_iter().map(wit::FieldError::from).collect()
    }

    async fn register(
        registration: wit::Registration,
        client: Option<String>,
    ) -> Result<wit::Session, wit::AccountError> {
        let service = service().await?;
        let command = to_command(registration, client);
        let session = in_turn(|place| commands::register(&*service, command.clone(), place));
        Ok(session.await?.into())
    }

    async fn login(
        email: String,
        password: String,
        client: Option<String>,
    ) -> Result<wit::Session, wit::AccountError> {
        let command = commands::Login {
            email,
            password,
            client,
        };
        let service = service().await?;
        let session = in_turn(|place| commands::login(&*service, command.clone(), place));
        Ok(session.await?.into())
    }

    async fn refresh(
        refresh_token: String,
        client: Option<String>,
        user_agent: Option<String>,
    ) -> Result<wit::Session, wit::AccountError> {
        let command = commands::Refresh {
            presented: RefreshSecret::new(refresh_token),
            client,
            user_agent,
        };
        Ok(commands::refresh(&*service().await?, command)?.into())
    }

    async fn logout(refresh_token: String) -> Result<(), wit::AccountError> {
        Ok(commands::logout(
            &*service().await?,
            &RefreshSecret::new(refresh_token),
        )?)
    }

    async fn renew(bearer: wit::Bearer) -> Result<wit::Renewal, wit::AccountError> {
        Ok(commands::renew(&*service().await?, &bearer.try_into()?)?.into())
    }

    async fn authenticate(bearer: wit::Bearer) -> Result<wit::User, wit::AccountError> {
        Ok(queries::authenticate(&*service().await?, &bearer.try_into()?)?.into())
    }

    async fn list_sessions(
        bearer: wit::Bearer,
    ) -> Result<Vec<wit::SessionSummary>, wit::AccountError> {
        let sessions = queries::list_sessions(&*service().await?, &bearer.try_into()?)?;
        let sessions = sessions.into_iter();
        Ok(sessions.map(wit::SessionSummary::from).collect())
    }

    async fn end_session(bearer: wit::Bearer, session_id: String) -> Result<(), wit::AccountError> {
        let bearer = bearer.try_into()?;
        Ok(commands::end_session(
            &*service().await?,
            &bearer,
            &session_id,
        )?)
    }

    async fn end_other_sessions(bearer: wit::Bearer) -> Result<(), wit::AccountError> {
        let bearer = bearer.try_into()?;
        Ok(commands::end_other_sessions(&*service().await?, &bearer)?)
    }

    async fn list_revocations(after: u64) -> Result<wit::RevocationList, wit::AccountError> {
        Ok(queries::list_revocations(&*service().await?, after)?.into())
    }

    async fn update_profile(
        bearer: wit::Bearer,
        changes: wit::ProfileChanges,
        expected_version: Option<u64>,
        client: Option<String>,
    ) -> Result<wit::User, wit::AccountError> {
        let wit::ProfileChanges {
            name,
            email,
            current_password,
        } = changes;
        let command = commands::UpdateProfile {
            bearer: bearer.try_into()?,
            name,
            email,
            current_password,
            expected_version,
            client,
        };
        let service = service().await?;
        let account = in_turn(|place| commands::update_profile(&*service, command.clone(), place));
        Ok(account.await?.into())
    }

    async fn change_password(
        bearer: wit::Bearer,
        current: String,
        new: String,
        client: Option<String>,
    ) -> Result<wit::Session, wit::AccountError> {
        let command = commands::ChangePassword {
            bearer: bearer.try_into()?,
            current,
            new,
            client,
        };
        let service = service().await?;
        let session = in_turn(|place| commands::change_password(&*service, command.clone(), place));
        Ok(session.await?.into())
    }

    async fn find_user(user_id: String) -> Result<wit::User, wit::AccountError> {
        Ok(queries::find_user(&*service().await?, &user_id)?.into())
    }

    async fn list_users(
        page: wit::PageRequest,
        email: Option<String>,
    ) -> Result<wit::UserPage, wit::AccountError> {
        let query = queries::ListUsers {
            page: page.page,
            limit: page.limit,
            after: page.after,
            email,
        };
        let found = queries::list_users(&*service().await?, query)?;
        Ok(wit::UserPage {
            users: found.accounts.into_iter().map(wit::User::from).collect(),
            total: found.total.entries,
            total_is_exact: found.total.is_exact,
            page: found.page,
            next: found.next,
        })
    }

    async fn update_account(
        user_id: String,
        changes: wit::AccountChanges,
        expected_version: Option<u64>,
    ) -> Result<wit::User, wit::AccountError> {
        let changes = AccountChanges {
            role: changes.role.map(Role::from),
            disabled: changes.disabled,
        };
        let command = commands::UpdateAccount {
            user_id,
            changes,
            expected_version,
        };
        Ok(commands::update_account(&*service().await?, command)?.into())
    }

    async fn ready() -> Result<(), wit::AccountError> {
        service().await?.store.read(|records| records.has_admin())?;
        Ok(())
    }
}

impl From<wit::Role> for Role {
    fn from(role: wit::Role) -> Self {
        match role {
            wit::Role::Customer => Self::Customer,
            wit::Role::Admin => Self::Admin,
        }
    }
}

impl From<Role> for wit::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Customer => Self::Customer,
            Role::Admin => Self::Admin,
        }
    }
}

/// What is no id belongs to no account.
impl TryFrom<wit::Bearer> for Bearer {
    type Error = Error;

    fn try_from(bearer: wit::Bearer) -> Result<Self, Error> {
        Ok(Self {
            account: AccountId::parse(&bearer.user_id).map_err(|_| Error::SessionEnded)?,
            session: bearer.session_id,
            generation: bearer.generation,
            expires_at: bearer.expires_at,
        })
    }
}

impl From<SessionSummary> for wit::SessionSummary {
    fn from(session: SessionSummary) -> Self {
        Self {
            created_at: ids::made_at_ms(&session.id).unwrap_or(session.refreshed_at),
            id: session.id,
            refreshed_at: session.refreshed_at,
            expires_at: session.expires_at,
        }
    }
}

impl From<queries::RevocationList> for wit::RevocationList {
    fn from(list: queries::RevocationList) -> Self {
        let (mut sessions, mut accounts) = (Vec::new(), Vec::new());
        for revocation in list.revocations {
            let expires_at = revocation.expires_at.div_ceil(MS_PER_SECOND);
            match revocation.revoked {
                Revoked::Session(session_id) => sessions.push(wit::RevokedSession {
                    session_id,
                    expires_at,
                }),
                Revoked::Account(id, generation) => accounts.push(wit::RevokedAccount {
                    user_id: id.as_str().to_owned(),
                    generation,
                    expires_at,
                }),
            }
        }
        Self {
            after: list.after,
            sequence: list.sequence,
            more: list.more,
            floor: list.floor.div_ceil(MS_PER_SECOND),
            sessions,
            accounts,
        }
    }
}

impl From<Account> for wit::User {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.as_str().to_owned(),
            name: account.name.as_str().to_owned(),
            email: account.email.as_str().to_owned(),
            role: account.role.into(),
            disabled: account.disabled,
            created_at: account.created_at,
            updated_at: account.updated_at,
            version: account.version,
        }
    }
}

impl From<Session> for wit::Session {
    fn from(session: Session) -> Self {
        let tokens = wit::TokenPair {
            access_token: session.tokens.access_token,
            refresh_token: session.tokens.refresh_token.expose().to_owned(),
            expires_in: session.tokens.expires_in,
        };
        Self {
            user: session.account.into(),
            tokens,
        }
    }
}

impl From<Renewal> for wit::Renewal {
    fn from(renewal: Renewal) -> Self {
        Self {
            user: renewal.account.into(),
            access_token: renewal.access_token,
            expires_in: renewal.expires_in,
        }
    }
}

impl From<FieldError> for wit::FieldError {
    fn from(error: FieldError) -> Self {
        Self {
            field: error.field.to_owned(),
            code: error.code.to_owned(),
            message: error.message,
        }
    }
}

/// Causes go to the log and no further.
impl From<Error> for wit::AccountError {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(errors) => {
                Self::Invalid(errors.into_iter().map(wit::FieldError::from).collect())
            }
            Error::EmailTaken => Self::EmailTaken,
            Error::InvalidCredentials => Self::InvalidCredentials,
            Error::PasswordRequired => Self::PasswordRequired,
            Error::TooManyAttempts(seconds) => Self::TooManyAttempts(seconds),
            Error::Busy(seconds) => Self::Busy(seconds),
            // Whoever waits is tried again: see `in_turn`.
            Error::MustWait(_) => Self::Busy(1),
            Error::InvalidRefreshToken => Self::InvalidRefreshToken,
            Error::SessionEnded => Self::SessionEnded,
            Error::SessionNotFound => Self::SessionNotFound,
            Error::NotFound => Self::NotFound,
            Error::VersionMismatch => Self::VersionMismatch,
            Error::LastAdmin => Self::LastAdmin,
            Error::Unavailable(cause) => {
                log::error("accounts are unavailable", &[("cause", &cause)]);
                Self::Unavailable
            }
            Error::Internal(cause) => {
                log::error("accounts failed", &[("cause", &cause)]);
                Self::Internal
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::testing::{PASSWORD, Shop};

    #[test]
    fn an_account_crosses_the_border_without_its_hash() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        shop.change("ada@example.com", |account| {
            account.role = Role::Admin;
            account.disabled = true;
            account.updated_at += 1;
            account.version = 7;
        });
        let account = shop.account("ada@example.com");
        let user = wit::User::from(account.clone());
        assert_eq!(
            (user.id.as_str(), user.email.as_str()),
            (account.id.as_str(), "ada@example.com")
        );
        assert_eq!(
            (user.name.as_str(), user.role, user.disabled, user.version),
            ("Somebody", wit::Role::Admin, true, 7)
        );
        assert_eq!(
            (user.created_at, user.updated_at),
            (account.created_at, account.created_at + 1)
        );
        assert!(!format!("{user:?}").contains(PASSWORD));
    }

    #[test]
    fn a_session_hands_out_the_tokens_that_were_made() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let (access, refresh) = (
            session.tokens.access_token.clone(),
            session.tokens.refresh_token.clone(),
        );
        let crossed = wit::Session::from(session);
        assert_eq!(
            (crossed.tokens.access_token, crossed.tokens.expires_in),
            (access, 900)
        );
        assert_eq!(crossed.tokens.refresh_token, refresh.expose());
        assert_eq!(crossed.user.role, wit::Role::Customer);
    }

    #[test]
    fn every_refusal_keeps_its_name_and_causes_stay_here() {
        use wit::AccountError as Out;
        let named = |error: Error| format!("{:?}", Out::from(error));
        assert!(named(Error::EmailTaken).ends_with("EmailTaken"));
        assert!(named(Error::InvalidCredentials).ends_with("InvalidCredentials"));
        assert!(named(Error::PasswordRequired).ends_with("PasswordRequired"));
        assert!(named(Error::TooManyAttempts(7)).ends_with("TooManyAttempts(7)"));
        assert!(named(Error::Busy(7)).ends_with("Busy(7)"));
        assert!(named(Error::InvalidRefreshToken).ends_with("InvalidRefreshToken"));
        assert!(named(Error::SessionEnded).ends_with("SessionEnded"));
        assert!(named(Error::SessionNotFound).ends_with("SessionNotFound"));
        assert!(named(Error::NotFound).ends_with("NotFound"));
        assert!(named(Error::VersionMismatch).ends_with("VersionMismatch"));
        assert!(named(Error::LastAdmin).ends_with("LastAdmin"));
        assert!(named(Error::Unavailable("secret cause".to_owned())).ends_with("Unavailable"));
        assert!(named(Error::Internal("secret cause".to_owned())).ends_with("Internal"));
        let error = FieldError {
            field: "email",
            code: "format",
            message: "email must be an address".to_owned(),
        };
        let text = named(Error::Invalid(vec![error]));
        assert!(
            text.contains("email")
                && text.contains("format")
                && text.contains("must be an address"),
            "{text}"
        );
    }
}
