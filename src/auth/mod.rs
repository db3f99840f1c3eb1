//! Who a client is: passwords, tokens and certificates to a principal. It never decides what a principal may do.

pub mod login;
pub mod password;
pub mod scram;
pub mod certificate;

pub use certificate::ServerCertificate;
pub use login::Login;
