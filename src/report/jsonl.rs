//! One JSON object a line: each finding as in `json`, and as the last line what made it and what it saw.
//!
//! The coverage comes last so that a reader who misses it knows that the stream was cut off.

use super::Report;
use super::json::{CoverageView, FindingView, SCHEMA, Tool};
use serde::Serialize;
use std::io::{self, Write};

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        line(&FindingView::new(finding, report), out)?;
    }
    let tool = Tool::new(report.options.rules);
    line(&LastLine { schema: SCHEMA, tool, coverage: CoverageView::new(report) }, out)
}

#[derive(Serialize)]
struct LastLine {
    schema: &'static str,
    tool: Tool,
    coverage: CoverageView,
}

fn line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
