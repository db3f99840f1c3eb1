//! `lakegate serve`.

use clap::Args;

use super::options::LakeOptions;
use crate::base::Result;
use crate::server::{self, telemetry};

/// Serve Delta tables to PostgreSQL clients
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    lake: LakeOptions,
    /// Where clients connect [default: 127.0.0.1:5432]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// The server's certificate and its chain, in PEM
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// The private key of the certificate, in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Make a user and a catalog named demo, with sample tables
    #[arg(long)]
    demo: bool,
}

pub fn run(arguments: Arguments) -> Result<()> {
    let flags = [
        ("listen", arguments.listen),
        ("tls.cert", arguments.tls_cert),
        ("tls.key", arguments.tls_key),
        ("demo", arguments.demo.then(|| "true".to_owned())),
    ];
    let flags = flags.into_iter().filter_map(|(path, value)| Some((path, value?))).collect();
    let config = arguments.lake.load(flags)?.config;
    telemetry::init(&config.log)?;
    super::block_on(server::serve(config))
}
