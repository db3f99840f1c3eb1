//! Metrics in Prometheus' text format. Their names are declared in [`crate::base::metric`]; this room only
//! describes and exports them.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::base::metric::{self, METRICS, MetricKind};
use crate::base::{Error, Result};

/// Bounds of the buckets of every histogram, in seconds: from a cached answer to a report.
const SECONDS: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

/// How often histograms are drained into their buckets, so that they do not grow when nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Counts the metrics of this process from now on. A second call changes nothing.
pub fn install() -> Result<()> {
    if RECORDER.get().is_some() {
        return Ok(());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Error::internal("metrics cannot be recorded").caused_by(error))?;
    for metric in METRICS {
        match metric.kind {
            MetricKind::Counter => describe_counter!(metric.name, metric.help),
            MetricKind::Gauge => describe_gauge!(metric.name, metric.help),
            MetricKind::Histogram => describe_histogram!(metric.name, metric.help),
        }
    }
    gauge!(metric::BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    // Losing the race to another caller means that its handle renders the same recorder.
    let _ = RECORDER.set(handle);
    Ok(())
}

/// The metrics as Prometheus reads them; nothing before [`install`].
pub fn render() -> String {
    RECORDER.get().map(PrometheusHandle::render).unwrap_or_default()
}

/// Keeps histograms small, and tells the working memory in use, until the task is dropped.
pub async fn upkeep(memory_used: impl Fn() -> usize) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        gauge!(metric::MEMORY_BYTES).set(memory_used() as f64);
        if let Some(handle) = RECORDER.get() {
            handle.run_upkeep();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use metrics::{counter, histogram};

    #[test]
    fn what_is_counted_is_rendered() {
        install().unwrap();
        counter!(metric::STATEMENTS_TOTAL, "kind" => "select").increment(2);
        histogram!(metric::STATEMENT_SECONDS, "kind" => "select").record(0.02);
        let text = render();
        for line in [
            "# TYPE lakegate_statements_total counter",
            "lakegate_statements_total{kind=\"select\"} 2",
            "lakegate_statement_seconds_bucket{kind=\"select\",le=\"0.025\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} not in {text}");
        }
    }
}
