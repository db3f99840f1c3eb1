//! The client's side of SCRAM-SHA-256 (RFC 5802, 7677). Salted passwords are kept: hashing them is the slow
//! part of a login, and tests log in a thousand times.

use std::collections::HashMap;
use std::io;
use std::num::NonZeroU32;
use std::sync::Mutex;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// What a client says first, after the header that tells that it knows no channel binding.
const FIRST_BARE: &str = "n=,r=lakegate-test";
const HEADER: &str = "n,,";

/// Password, salt, iterations.
type Salting = (String, String, u32);

static SALTED: Mutex<Option<HashMap<Salting, Vec<u8>>>> = Mutex::new(None);

/// The client-first-message.
pub fn first() -> String {
    format!("{HEADER}{FIRST_BARE}")
}

/// The client-final-message, for what the server said first.
pub fn last(password: &str, server_first: &str) -> io::Result<String> {
    let attribute = |name: &str| {
        let found = server_first.split(',').find_map(|part| part.strip_prefix(name));
        found.ok_or_else(|| io::Error::other(format!("no {name} in {server_first}")))
    };
    let (nonce, salt) = (attribute("r=")?, attribute("s=")?);
    let iterations = attribute("i=")?.parse().map_err(io::Error::other)?;
    let salted = salted((password.to_owned(), salt.to_owned(), iterations))?;
    let without_proof = format!("c={},r={nonce}", BASE64.encode(HEADER));
    let signed = format!("{FIRST_BARE},{server_first},{without_proof}");
    let client_key = hmac_of(&salted, b"Client Key");
    let stored_key = digest::digest(&digest::SHA256, &client_key);
    let signature = hmac_of(stored_key.as_ref(), signed.as_bytes());
    let proof: Vec<u8> = client_key.iter().zip(signature).map(|(key, sign)| key ^ sign).collect();
    Ok(format!("{without_proof},p={}", BASE64.encode(proof)))
}

fn hmac_of(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

fn salted(salting: Salting) -> io::Result<Vec<u8>> {
    let mut all = SALTED.lock().expect("nobody panics with it");
    let known = all.get_or_insert_with(HashMap::new);
    if let Some(salted) = known.get(&salting) {
        return Ok(salted.clone());
    }
    let (password, salt, iterations) = &salting;
    let salt = BASE64.decode(salt).map_err(io::Error::other)?;
    let iterations = NonZeroU32::new(*iterations).ok_or_else(|| io::Error::other("iterations"))?;
    let mut salted = vec![0; digest::SHA256_OUTPUT_LEN];
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
    pbkdf2::derive(algorithm, iterations, &salt, password.as_bytes(), &mut salted);
    known.insert(salting, salted.clone());
    Ok(salted)
}
