//! Puts the rooms together: configuration, telemetry, start and stop. It answers no statement.
