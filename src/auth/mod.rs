//! Who a client is: passwords, tokens and certificates to a principal. It never decides what a principal may do.
