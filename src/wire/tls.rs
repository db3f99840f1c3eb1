//! TLS on a connection: the hand-shake, with bytes that were read ahead given back, and the facts about the
//! finished connection. Certificates are loaded elsewhere.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::auth::certificate::{ALPN_PROTOCOL, Loaded};
use crate::base::{Error, ErrorKind, Result};

/// A stream of bytes both ways: TCP, TLS over TCP, a pipe in tests.
pub trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> ByteStream for S {}

/// Makes the hand-shake; `read_ahead` are its first bytes, already taken from `stream`.
///
/// # Errors
/// 08P01 when it fails.
pub async fn accept<S: ByteStream>(
    stream: S,
    read_ahead: BytesMut,
    certificate: &Loaded,
) -> Result<TlsStream<Rewound<S>>> {
    let acceptor = TlsAcceptor::from(Arc::clone(&certificate.config));
    acceptor.accept(Rewound { read_ahead, stream }).await.map_err(|error| {
        Error::new(ErrorKind::ProtocolViolation, "could not accept TLS connection")
            .with_detail(error.to_string())
            .caused_by(error)
    })
}

/// Refuses a connection that began with TLS and did not name the protocol (ALPN): without it, a client of
/// another protocol could be led here and its first bytes taken for ours.
///
/// # Errors
/// 08P01.
pub fn require_protocol_name<S>(connection: &TlsStream<S>) -> Result<()> {
    if connection.get_ref().1.alpn_protocol() == Some(ALPN_PROTOCOL) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::ProtocolViolation,
        "received direct SSL connection request without ALPN protocol negotiation extension",
    ))
}

/// A stream that gives some bytes again before its own.
pub struct Rewound<S> {
    read_ahead: BytesMut,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read_ahead.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let length = self.read_ahead.len().min(buffer.remaining());
        buffer.put_slice(self.read_ahead.get(..length).unwrap_or_default());
        self.read_ahead.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
