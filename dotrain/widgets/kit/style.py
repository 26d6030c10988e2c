"""How widgets look: in JupyterLab's colours, VS Code's, or those of the system.

Colours that carry text are pairs: words of a badge, a button and a notice stand
on a ground that is set with them, so that no theme makes them hard to read.
"""

from __future__ import annotations

# Each is (word, ground) or one colour, for a light and a dark page.
LIGHT = {
    "text": "#1f2328",
    "ground": "#ffffff",
    "line": "#6e7781",
    "soft": "#f3f4f6",
    "focus": "#0b57d0",
    "link": "#0b57d0",
    "ok-text": "#0a4d24",
    "ok-ground": "#d7f0df",
    "warn-text": "#5c3b00",
    "warn-ground": "#fdecc8",
    "bad-text": "#8c1310",
    "bad-ground": "#fde3e1",
    "info-text": "#123f7a",
    "info-ground": "#dfeafb",
    "primary-text": "#ffffff",
    "primary-ground": "#0b57d0",
    "danger-text": "#ffffff",
    "danger-ground": "#b3261e",
}
DARK = {
    "text": "#e6e8eb",
    "ground": "#111111",
    "line": "#8b949e",
    "soft": "#24282e",
    "focus": "#8ab4f8",
    "link": "#8ab4f8",
    "ok-text": "#b7ecc6",
    "ok-ground": "#123d22",
    "warn-text": "#ffdf9e",
    "warn-ground": "#4a3200",
    "bad-text": "#ffd0cb",
    "bad-ground": "#5c1512",
    "info-text": "#cfe0fb",
    "info-ground": "#173863",
    "primary-text": "#ffffff",
    "primary-ground": "#0b57d0",
    "danger-text": "#ffffff",
    "danger-ground": "#b3261e",
}

# What stands left of a control.
LABEL_WIDTH = "11em"


def _variables(colours: dict[str, str]) -> str:
    return "".join(f"--dotrain-{name}:{value};" for name, value in colours.items())


def _pair(name: str) -> str:
    return f"color:var(--dotrain-{name}-text);background:var(--dotrain-{name}-ground);"


_KINDS = "".join(
    f".dotrain .dotrain-{kind}{{{_pair(kind)}}}" for kind in ("ok", "warn", "bad", "info")
)

CSS = f"""
.dotrain{{{_variables(LIGHT)}}}
@media (prefers-color-scheme:dark){{.dotrain{{{_variables(DARK)}}}}}
[data-jp-theme-light="false"] .dotrain,.vscode-dark .dotrain,.vscode-high-contrast .dotrain
{{{_variables(DARK)}}}
[data-jp-theme-light="true"] .dotrain,.vscode-light .dotrain,.vscode-high-contrast-light .dotrain
{{{_variables(LIGHT)}}}
.dotrain{{
color:var(--jp-ui-font-color1,var(--vscode-foreground,var(--dotrain-text)));
background:var(--jp-layout-color0,var(--vscode-editor-background,var(--dotrain-ground)));
font-family:var(--jp-ui-font-family,var(--vscode-font-family,system-ui,sans-serif));
font-size:var(--jp-ui-font-size1,var(--vscode-font-size,13px));line-height:1.5}}
.dotrain table.dotrain-table,.dotrain table.dotrain-facts{{
border-collapse:collapse;margin:4px 0;font-size:inherit;color:inherit;border:0}}
.dotrain caption{{text-align:left;font-weight:600;padding:4px 8px 4px 0;color:inherit;
white-space:normal}}
.dotrain .dotrain-table th,.dotrain .dotrain-table td,
.dotrain .dotrain-facts th,.dotrain .dotrain-facts td{{
text-align:left;vertical-align:top;padding:3px 16px 3px 0;border:0;color:inherit;
background:none;white-space:pre-wrap;overflow-wrap:break-word;max-width:48em}}
.dotrain .dotrain-table thead th{{white-space:nowrap;border-bottom:1px solid var(--dotrain-line)}}
.dotrain .dotrain-table tr,.dotrain .dotrain-facts tr{{background:none}}
.dotrain th{{font-weight:600}}
.dotrain .dotrain-table .dotrain-number{{text-align:right;font-variant-numeric:tabular-nums}}
.dotrain .dotrain-badge{{display:inline-block;padding:0 8px;border-radius:10px;font-weight:600}}
.dotrain .dotrain-notice{{white-space:pre-wrap;overflow-wrap:anywhere;padding:6px 10px;margin:4px 0;
border-left:4px solid currentColor;max-width:60em;line-height:1.5}}
{_KINDS}
.dotrain .dotrain-beside{{margin-left:calc({LABEL_WIDTH} + 12px)}}
.dotrain .dotrain-hint{{font-size:.92em;max-width:60em;line-height:1.4;white-space:pre-wrap}}
.dotrain .dotrain-code{{display:flex;align-items:flex-start;gap:8px;max-width:100%}}
.dotrain .dotrain-code pre{{flex:0 1 auto;min-width:0;overflow-x:auto;margin:0;padding:8px 10px;
white-space:pre;user-select:all;-webkit-user-select:all;
color:var(--dotrain-text);background:var(--dotrain-soft);
font-family:var(--jp-code-font-family,var(--vscode-editor-font-family,monospace));
font-size:var(--jp-code-font-size,13px);line-height:1.4}}
.dotrain .dotrain-copy{{flex:none;min-width:5.5em;padding:4px 10px;border:1px solid
var(--dotrain-line);border-radius:3px;font:inherit;cursor:pointer;
color:var(--dotrain-text);background:var(--dotrain-soft)}}
.dotrain .dotrain-copy::before{{content:"Copy"}}
.dotrain .dotrain-copy.dotrain-copied::before{{content:"Copied"}}
.dotrain a{{color:var(--dotrain-link);text-decoration:underline}}
.dotrain .jupyter-button{{width:auto;min-width:6em;padding:0 12px;
color:var(--dotrain-text);background:var(--dotrain-soft);border:1px solid var(--dotrain-line)}}
.dotrain .jupyter-button.mod-primary{{{_pair("primary")}border-color:transparent}}
.dotrain .jupyter-button.mod-danger{{{_pair("danger")}border-color:transparent}}
.dotrain .jupyter-button:disabled{{opacity:.6;cursor:default}}
.dotrain .dotrain-sizes select{{font-family:var(--jp-code-font-family,
var(--vscode-editor-font-family,monospace));min-height:12em}}
.dotrain .dotrain-row{{border-left:3px solid var(--dotrain-line);padding-left:10px;margin:4px 0}}
.dotrain .widget-label{{color:inherit}}
.dotrain .widget-html-content h4{{margin:12px 0 2px;line-height:1.4}}
.dotrain :focus-visible{{outline:2px solid var(--dotrain-focus)!important;outline-offset:2px;
box-shadow:none}}
.dotrain .widget-html-content{{line-height:1.5}}
"""
