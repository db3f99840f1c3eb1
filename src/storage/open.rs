//! Opens object stores: location and credential to a client with timeouts and retries. It sends no request.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::SpawnedReqwestConnector;
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, RetryConfig};
use tokio::runtime::Handle;

use super::credential::{Credential, Provider};
use super::location::Location;
use crate::base::limits::Limits;
use crate::base::{Error, ErrorKind, Result};

/// The first wait before a request is sent again.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// How patient stores are, and where their sockets live.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    pub request_timeout: Duration,
    pub connect_timeout: Duration,
    pub retries_max: usize,
    pub retry_timeout: Duration,
    pub retry_wait_max: Duration,
    /// The runtime of sockets; that of the caller where there is none.
    pub runtime: Option<Handle>,
}

impl StoreOptions {
    /// As the limits say, with sockets on the runtime that this is called in.
    pub fn new(limits: &Limits) -> Self {
        StoreOptions {
            request_timeout: limits.storage_request_timeout,
            connect_timeout: limits.storage_connect_timeout,
            retries_max: limits.storage_retries_max,
            retry_timeout: limits.storage_retry_timeout,
            retry_wait_max: limits.storage_retry_wait_max,
            runtime: Handle::try_current().ok(),
        }
    }

    fn retries(&self) -> RetryConfig {
        RetryConfig {
            backoff: BackoffConfig {
                init_backoff: FIRST_WAIT,
                max_backoff: self.retry_wait_max,
                base: 2.0,
            },
            max_retries: self.retries_max,
            retry_timeout: self.retry_timeout,
        }
    }

    /// What every client is told, as object_store spells it.
    fn client(&self, credential: &Credential) -> Vec<(ClientConfigKey, String)> {
        let written = |duration: Duration| format!("{}ms", duration.as_millis());
        let mut client = vec![
            (ClientConfigKey::Timeout, written(self.request_timeout)),
            (ClientConfigKey::ConnectTimeout, written(self.connect_timeout)),
        ];
        if let Some(allow_http) = credential.switch("allow_http") {
            client.push((ClientConfigKey::AllowHttp, allow_http.to_string()));
        }
        client
    }
}

/// The store of the bucket or container that a location names.
pub fn open(
    location: &Location,
    credential: &Credential,
    options: &StoreOptions,
) -> Result<Arc<dyn ObjectStore>> {
    if Provider::of(location.scheme()) != Some(credential.provider()) {
        let (scheme, provider) = (location.scheme().name(), credential.provider().name());
        let message = format!(
            "a location with the scheme {scheme} cannot use a storage credential of type {provider}"
        );
        return Err(Error::new(ErrorKind::InvalidParameterValue, message));
    }
    let store = match credential.provider() {
        Provider::S3 => open_s3(location, credential, options),
        Provider::Azure => open_azure(location, credential, options),
        Provider::Gcs => open_gcs(location, credential, options),
    };
    store.map_err(|cause| {
        let message = "the storage credential has options that do not fit together";
        Error::new(ErrorKind::InvalidParameterValue, message).caused_by(cause)
    })
}

type Opened = object_store::Result<Arc<dyn ObjectStore>>;

fn open_s3(location: &Location, credential: &Credential, options: &StoreOptions) -> Opened {
    let mut builder = match credential.names_identity() {
        true => AmazonS3Builder::new(),
        false => AmazonS3Builder::from_env(),
    };
    for (key, value) in options.client(credential) {
        builder = builder.with_config(AmazonS3ConfigKey::Client(key), value);
    }
    let keys = [
        ("access_key_id", AmazonS3ConfigKey::AccessKeyId),
        ("secret_access_key", AmazonS3ConfigKey::SecretAccessKey),
        ("session_token", AmazonS3ConfigKey::Token),
        ("region", AmazonS3ConfigKey::Region),
        ("endpoint", AmazonS3ConfigKey::Endpoint),
        ("anonymous", AmazonS3ConfigKey::SkipSignature),
    ];
    for (name, key) in keys {
        if let Some(value) = credential.get(name) {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(path_style) = credential.switch("path_style") {
        builder = builder.with_virtual_hosted_style_request(!path_style);
    }
    if let Some(runtime) = &options.runtime {
        builder = builder.with_http_connector(SpawnedReqwestConnector::new(runtime.clone()));
    }
    let bucket = location.url().host_str().unwrap_or_default();
    let store = builder.with_bucket_name(bucket).with_retry(options.retries()).build()?;
    Ok(Arc::new(store))
}

fn open_azure(location: &Location, credential: &Credential, options: &StoreOptions) -> Opened {
    let mut builder = match credential.names_identity() {
        true => MicrosoftAzureBuilder::new(),
        false => MicrosoftAzureBuilder::from_env(),
    };
    for (key, value) in options.client(credential) {
        builder = builder.with_config(AzureConfigKey::Client(key), value);
    }
    let keys = [
        ("account_name", AzureConfigKey::AccountName),
        ("account_key", AzureConfigKey::AccessKey),
        ("sas_token", AzureConfigKey::SasKey),
        ("client_id", AzureConfigKey::ClientId),
        ("client_secret", AzureConfigKey::ClientSecret),
        ("tenant_id", AzureConfigKey::AuthorityId),
        ("endpoint", AzureConfigKey::Endpoint),
        ("anonymous", AzureConfigKey::SkipSignature),
    ];
    for (name, key) in keys {
        if let Some(value) = credential.get(name) {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(runtime) = &options.runtime {
        builder = builder.with_http_connector(SpawnedReqwestConnector::new(runtime.clone()));
    }
    // An abfss URL names the account too, and wins over the option.
    let url = location.store_url();
    Ok(Arc::new(builder.with_url(url).with_retry(options.retries()).build()?))
}

fn open_gcs(location: &Location, credential: &Credential, options: &StoreOptions) -> Opened {
    let mut builder = match credential.names_identity() {
        true => GoogleCloudStorageBuilder::new(),
        false => GoogleCloudStorageBuilder::from_env(),
    };
    for (key, value) in options.client(credential) {
        builder = builder.with_config(GoogleConfigKey::Client(key), value);
    }
    let keys = [
        ("service_account_key", GoogleConfigKey::ServiceAccountKey),
        ("endpoint", GoogleConfigKey::BaseUrl),
        ("anonymous", GoogleConfigKey::SkipSignature),
    ];
    for (name, key) in keys {
        if let Some(value) = credential.get(name) {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(runtime) = &options.runtime {
        builder = builder.with_http_connector(SpawnedReqwestConnector::new(runtime.clone()));
    }
    let bucket = location.url().host_str().unwrap_or_default();
    Ok(Arc::new(builder.with_bucket_name(bucket).with_retry(options.retries()).build()?))
}
