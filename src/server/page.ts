/** The page at `/`: no script, nothing of a patient. */
export function frontPage(version: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Deep Health</title></head>
<body>
<h1>Deep Health ${version}</h1>
<p>Reads chest films beside the PACS. Research and triage support. Not for primary diagnosis.</p>
<ul>
<li><a href="/api/studies">Studies</a></li>
<li><a href="/metrics">Metrics</a></li>
<li><a href="/readyz">Readiness</a></li>
</ul>
</body>
</html>
`;
}
