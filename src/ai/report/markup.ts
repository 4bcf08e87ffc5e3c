/** Text made safe inside of HTML and SVG, attributes included. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

/** An HTML table; the first cell of a row is its heading. Cells are text and are escaped. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  caption?: string,
): string {
  const cells = (row: readonly string[]) =>
    row
      .map((cell, i) => (i === 0 ? `<th scope="row">${escaped(cell)}</th>` : `<td>${escaped(cell)}</td>`))
      .join('');
  return [
    '<table>',
    caption === undefined ? '' : `<caption>${escaped(caption)}</caption>`,
    `<thead><tr>${head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join('')}</tr></thead>`,
    `<tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('')}</tbody>`,
    '</table>',
  ].join('');
}

/** A picture with its caption. `svg` is markup of ours. */
export function figure(svg: string, caption: string): string {
  return `<figure>${svg}<figcaption>${escaped(caption)}</figcaption></figure>`;
}

/** A page that needs nothing beside itself, readable on a screen and on paper. `body` is markup of ours. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${escaped(title)}</title><style>${STYLE}</style></head>
<body><main><h1>${escaped(title)}</h1>${body}</main></body></html>
`;
}

const STYLE = `
:root{color-scheme:light}
body{margin:0;background:#fff;color:#1a1a1a;font:15px/1.45 system-ui,'Helvetica Neue',Arial,sans-serif}
main{max-width:980px;margin:0 auto;padding:24px}
h1{font-size:24px;margin:0 0 4px}h2{font-size:18px;margin:32px 0 8px;border-bottom:1px solid #ccc;padding-bottom:4px}
p{max-width:70ch}.note{color:#555}
.key{display:flex;flex-wrap:wrap;gap:12px;margin:16px 0}
.key div{border:1px solid #bbb;border-radius:4px;padding:8px 14px;min-width:120px}
.key b{display:block;font-size:20px}.key small{color:#555}
table{border-collapse:collapse;margin:8px 0 16px;font-variant-numeric:tabular-nums}
caption{text-align:left;color:#555;padding-bottom:4px}
th,td{border:1px solid #ccc;padding:3px 9px;text-align:right;vertical-align:top}
thead th{background:#f0f0f0;text-align:right}tbody th,thead th:first-child{text-align:left;font-weight:600}
td.hit{background:#dcefdc}td.miss{background:#f8e3df}
.row{display:flex;flex-wrap:wrap;gap:16px}
figure{margin:8px 0;break-inside:avoid}figcaption{color:#555;font-size:13px;max-width:52ch}
svg{max-width:100%;height:auto}svg text{font:12px system-ui,Arial,sans-serif;fill:#1a1a1a}
.misses{display:grid;grid-template-columns:repeat(auto-fill,minmax(290px,1fr));gap:16px}
.misses img{width:100%}
@media print{body{font-size:11px}main{max-width:none;padding:0}h2{break-after:avoid}table,.key{break-inside:avoid}
.misses{grid-template-columns:repeat(3,1fr)}}
`;
