//! The PostgreSQL protocol: listener, startup, the connection loop, encoders, decoders. It never plans and
//! never decides.
