/**
 * The sheet of the page. One accent, taken from the verdict; everything else is ink on paper. Sizes are in rem and ch, so that it grows
 * with the reader's own type.
 */
export const style = `
:root {
  color-scheme: light dark;
  --desk: #efede8; --card: #fffefb; --ink: #1d2126; --soft: #565d66; --line: #dedad1; --well: #f6f4ee;
  --good: #0b6b4f; --good-tint: #e4f2ec; --bad: #a62b22; --bad-tint: #fbe9e6;
  --wait: #8a5a00; --wait-tint: #fbf0d9; --plain: #44546c; --plain-tint: #e9edf3;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "Segoe UI Mono", "Roboto Mono", "DejaVu Sans Mono", "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --desk: #121417; --card: #1b1e22; --ink: #e9e7e2; --soft: #a9aeb6; --line: #353a41; --well: #24282d;
    --good: #6ed0a9; --good-tint: #17302a; --bad: #ff9f94; --bad-tint: #3a211f;
    --wait: #f0c169; --wait-tint: #352a16; --plain: #aebfd9; --plain-tint: #232b37;
  }
}
.tone-good { --accent: var(--good); --tint: var(--good-tint); }
.tone-bad { --accent: var(--bad); --tint: var(--bad-tint); }
.tone-wait { --accent: var(--wait); --tint: var(--wait-tint); }
.tone-plain { --accent: var(--plain); --tint: var(--plain-tint); }
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; padding: clamp(0rem, 4vw, 3.5rem) clamp(0rem, 3vw, 2rem); background: var(--desk); color: var(--ink);
  font: 1rem/1.55 var(--sans); font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
.receipt {
  max-width: 47rem; margin: 0 auto; background: var(--card); border: 1px solid var(--line); border-radius: 14px; overflow: hidden;
  box-shadow: 0 1px 2px rgb(0 0 0 / .05), 0 12px 32px -12px rgb(0 0 0 / .16);
}
.verdict { border-top: 6px solid var(--accent); background: var(--tint); padding: 1.9rem var(--gap) 1.8rem; }
.verdict, section, .foot { --gap: clamp(1.15rem, 5vw, 2.6rem); }
section { padding: 1.6rem var(--gap) 1.7rem; border-top: 1px solid var(--line); }
.foot { border-top: 1px dashed var(--line); padding: 1.1rem var(--gap) 1.4rem; color: var(--soft); font-size: .85rem; }
p, dl, ol, ul, pre, h1, h2, h3 { margin: 0; }
.eyebrow { color: var(--soft); font-size: .78rem; font-weight: 600; letter-spacing: .09em; text-transform: uppercase; }
.headline { display: flex; align-items: center; gap: .85rem; margin-top: .7rem; }
h1 { font-size: clamp(2rem, 7vw, 2.7rem); line-height: 1.08; letter-spacing: -.024em; font-weight: 700; color: var(--accent); }
.headline .mark { width: clamp(2.3rem, 8vw, 2.9rem); height: clamp(2.3rem, 8vw, 2.9rem); color: var(--accent); }
.mark { flex: none; width: 1.2rem; height: 1.2rem; }
.mark.good { color: var(--good); } .mark.bad { color: var(--bad); } .mark.wait { color: var(--wait); } .mark.plain { color: var(--plain); }
.subject { margin-top: 1.15rem; font-size: 1.12rem; font-weight: 600; display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .6rem; }
.layer { font: 600 .8rem/1 var(--mono); border: 1.5px solid currentColor; border-radius: 5px; padding: .3rem .45rem; }
.arrow { color: var(--soft); font-weight: 400; }
.sentence { margin-top: .5rem; font-size: 1.06rem; line-height: 1.5; max-width: 60ch; }
h2 { font-size: 1.08rem; line-height: 1.3; font-weight: 680; letter-spacing: -.008em; margin-bottom: .75rem; }
h3 { font-size: 1rem; line-height: 1.4; font-weight: 600; }
.lead { max-width: 62ch; }
.soft { color: var(--soft); }
.small { font-size: .88rem; }
.next { border-left: 4px solid var(--accent); padding-left: calc(var(--gap) - 4px); background: var(--card); }
.next h2 { margin-bottom: .4rem; }
.next p + p { margin-top: .5rem; }
pre, .code { font-family: var(--mono); }
pre {
  font-size: .875rem; margin-top: .6rem; padding: .7rem .85rem; background: var(--well); border: 1px solid var(--line); border-radius: 8px; line-height: 1.5;
  white-space: pre-wrap; overflow-wrap: anywhere;
}
.facts { display: grid; grid-template-columns: minmax(6.5rem, 10.5rem) minmax(0, 1fr); gap: .5rem 1.1rem; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; min-width: 0; }
.inner { margin-top: .7rem; gap: .2rem .9rem; grid-template-columns: minmax(5rem, 6.5rem) minmax(0, 1fr); font-size: .92rem; }
.rows { list-style: none; padding: 0; }
.rows > li { display: grid; grid-template-columns: 1.2rem minmax(0, 1fr); gap: .2rem .8rem; padding: .85rem 0; border-top: 1px solid var(--line); }
.rows > li:first-child { border-top: 0; padding-top: .25rem; }
.rows > li:last-child { padding-bottom: 0; }
.rows .mark { margin-top: .18rem; }
.lead + .rows { margin-top: .9rem; }
.row-head + p { margin-top: .15rem; }
.asks { margin-top: .3rem; }
.resolve { margin-top: .75rem; }
.row-head { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: .1rem 1rem; }
.row-head .word { font-size: .9rem; color: var(--soft); }
code { font: inherit; }
.code { font-size: .92em; }
.quiet > li { padding: .5rem 0; font-size: .93rem; }
.note { margin-top: .55rem; padding: .6rem .85rem; border-left: 3px solid var(--wait); background: var(--wait-tint); border-radius: 0 8px 8px 0; }
.note p + p { margin-top: .35rem; }
.how { margin-top: 1rem; padding: 0; list-style: none; counter-reset: how; }
.how > li { counter-increment: how; position: relative; padding-left: 2.1rem; margin-top: .9rem; }
.how > li::before {
  content: counter(how); position: absolute; left: 0; top: .05rem; width: 1.45rem; height: 1.45rem; border: 1.5px solid var(--soft);
  border-radius: 50%; font-size: .8rem; line-height: 1.3rem; text-align: center; color: var(--soft); font-weight: 600;
}
.tags { display: flex; flex-wrap: wrap; gap: .35rem .5rem; padding: 0; margin-top: .6rem; list-style: none; }
.tags li { font-family: var(--mono); font-size: .82rem; border: 1px solid var(--line); background: var(--well); border-radius: 5px; padding: .12rem .45rem; }
.state { display: flex; align-items: center; gap: .6rem; font-weight: 600; }
.state + p { margin-top: .3rem; }
details { border-top: 1px solid var(--line); }
section details { border: 0; margin-top: 1rem; }
summary { cursor: pointer; font-weight: 600; padding: .3rem 0; }
summary::marker { color: var(--soft); }
summary .soft { font-weight: 400; }
.fold { padding: 1.1rem var(--gap) 1.2rem; --gap: clamp(1.15rem, 5vw, 2.6rem); }
.fold > .body { padding-top: .9rem; }
.fold > summary { font-size: 1.02rem; }
a { color: var(--accent); text-underline-offset: .18em; }
.button { display: inline-block; margin-top: .7rem; padding: .55rem 1rem; border: 1.5px solid var(--accent); border-radius: 8px; font-weight: 600; text-decoration: none; }
.button:hover { background: var(--tint); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 4px; }
.body > h3 { margin-top: 1.2rem; }
.log { list-style: none; padding: 0; margin-top: .3rem; font-size: .88rem; }
.log > li { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; padding: .3rem 0; border-top: 1px solid var(--line); }
.log > li > span { min-width: 0; }
@media (max-width: 30rem) {
  body { padding: 0; background: var(--card); }
  .receipt { border: 0; border-radius: 0; box-shadow: none; }
  .facts { grid-template-columns: minmax(4.5rem, 6.4rem) minmax(0, 1fr); gap: .5rem .8rem; }
  .rows > li { column-gap: .65rem; }
}
@media (prefers-contrast: more) { :root { --soft: var(--ink); --line: var(--ink); } }
@media (forced-colors: active) {
  .verdict, .next { border-color: CanvasText; }
  .mark { color: CanvasText !important; forced-color-adjust: none; --card: Canvas; }
}
@media print {
  :root {
    color-scheme: light; font-size: 10.5pt;
    --desk: #fff; --card: #fff; --ink: #000; --soft: #3c3c3c; --line: #b4b4b4; --well: #fff; --tint: #fff;
    --good: #0b6b4f; --bad: #a62b22; --wait: #7a5000; --plain: #44546c; --wait-tint: #fff;
  }
  @page { margin: 16mm 15mm; }
  body { padding: 0; }
  .receipt { max-width: none; border: 0; border-radius: 0; box-shadow: none; overflow: visible; }
  .verdict, section, .foot, .fold { --gap: 0rem; }
  .verdict { background: none; padding: .8rem 0 1rem; }
  section, .fold { padding: .8rem 0; }
  .next { padding-left: .8rem; }
  h1 { font-size: 22pt; }
  h2, h3, summary { break-after: avoid; }
  .rows > li, .how > li, pre, .note, .log > li { break-inside: avoid; }
  summary { list-style: none; }
  details::details-content { content-visibility: visible; display: block; block-size: auto; }
  .button { border: 0; padding: 0; }
  a[href]::after { content: " (" attr(href) ")"; font-weight: 400; font-size: .85em; }
}
`;
