//! One JSON object a line: each finding as in `json`, and as the last line what made it, what it saw and what
//! it left out.
//!
//! The coverage comes last so that a reader who misses it knows that the stream was cut off.

use super::Report;
use super::json::{self, CoverageView, ExplainedView, FindingView, SCHEMA, Tool};
use crate::coverage::Configuration;
use serde::Serialize;
use std::io::{self, Write};

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        line(&FindingView::new(finding, report), out)?;
    }
    let tool = Tool::new(report.options.rules);
    let (coverage, configuration) = (CoverageView::new(report), json::configuration(report));
    let explained = ExplainedView::new(report);
    line(&LastLine { schema: SCHEMA, tool, coverage, configuration, explained }, out)
}

#[derive(Serialize)]
struct LastLine {
    schema: &'static str,
    tool: Tool,
    coverage: CoverageView,
    configuration: Configuration,
    #[serde(skip_serializing_if = "Option::is_none")]
    explained: Option<ExplainedView>,
}

fn line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
