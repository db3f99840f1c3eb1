//! The command line, one file a command. It holds no logic of the server.
