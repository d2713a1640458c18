//! What changes something: one file per command.

mod change_password;
mod create_first_admin;
mod end_sessions;
mod login;
mod logout;
mod refresh;
mod register;
mod renew;
mod update_account;
mod update_profile;

pub use change_password::{ChangePassword, change_password};
pub use create_first_admin::{FirstAdmin, FirstAdminOutcome, create_first_admin};
pub use end_sessions::{end_other_sessions, end_session};
pub use login::{Login, login};
pub use logout::logout;
pub use refresh::{Refresh, refresh};
pub use register::{Register, check_registration, register};
pub use renew::renew;
pub use update_account::{UpdateAccount, update_account};
pub use update_profile::{UpdateProfile, update_profile};
