"""Visual Studio Code for browsers with one notebook open in it: no kernel, only its renderers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from playwright.sync_api import FrameLocator, Page

# Its renderers are in a frame of another origin, which may have a service worker only
# where it is of the same site: that is what stands before "localhost".
_HOST = "code.localhost"

_PAGE = Template("""<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<link rel="stylesheet" data-name="vs/workbench/workbench.web.main"
  href="/out/vs/workbench/workbench.web.main.css">
</head>
<body>
<script src="/out/vs/loader.js"></script>
<script src="/out/vs/webPackagePaths.js"></script>
<script>
const packages = Object.entries(self.webPackagePaths).map(
  ([name, path]) => [name, location.origin + '/node_modules/' + name + '/' + path]);
require.config({baseUrl: location.origin + '/out', paths: Object.fromEntries(packages)});
</script>
<script src="/out/vs/workbench/workbench.web.main.nls.js"></script>
<script src="/out/vs/workbench/workbench.web.main.js"></script>
<script>
require(['vs/workbench/workbench.web.main'], code => {
  const folder = code.URI.from({scheme: 'saved', path: '/'});
  const file = code.URI.from({scheme: 'saved', path: '/$name'});
  code.create(document.body, {
    workspaceProvider: {
      workspace: {folderUri: folder},
      trusted: true,
      payload: [['openFile', file.toString()]],
      open: async () => false,
    },
    additionalBuiltinExtensions: [{scheme: 'http', authority: location.host, path: '/saved'}],
    configurationDefaults: {'workbench.startupEditor': 'none'},
    productConfiguration: {
      enableTelemetry: false,
      webEndpointUrlTemplate: 'http://{{uuid}}.' + location.host,
      webviewContentExternalBaseUrlTemplate: 'http://{{uuid}}.' + location.host
        + '/out/vs/workbench/contrib/webview/browser/pre/',
    },
  });
});
</script>
</body>
</html>""")

# A file system with the notebook in it, as an extension.
_EXTENSION = {
    "name": "saved",
    "publisher": "dotrain",
    "version": "1.0.0",
    "engines": {"vscode": "^1.80.0"},
    "browser": "./main.js",
    "activationEvents": ["onFileSystem:saved", "*"],
}
_MAIN = Template("""
const code = require('vscode');
const path = '/$name';
const read = async uri => {
  if (uri.path !== path) throw code.FileSystemError.FileNotFound(uri);
  const answer = await fetch('$url/notebook');
  return new Uint8Array(await answer.arrayBuffer());
};
const stat = async uri => uri.path === '/'
  ? {type: code.FileType.Directory, ctime: 0, mtime: 0, size: 0}
  : {type: code.FileType.File, ctime: 0, mtime: 0, size: (await read(uri)).length};
const refuse = uri => { throw code.FileSystemError.NoPermissions(uri); };
exports.activate = context => {
  const changed = new code.EventEmitter();
  context.subscriptions.push(code.workspace.registerFileSystemProvider('saved', {
    onDidChangeFile: changed.event,
    watch: () => new code.Disposable(() => {}),
    stat,
    readFile: read,
    readDirectory: () => [[path.slice(1), code.FileType.File]],
    createDirectory: refuse, writeFile: refuse, delete: refuse, rename: refuse,
  }));
};
""")


@contextmanager
def serving(notebook: Path, directory: Path) -> Iterator[str]:
    """Serve it from its directory, and yield the address of a page with `notebook` open."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(directory)))
    url = f"http://{_HOST}:{server.server_port}"
    names = {"name": notebook.name, "url": url}
    server.made = {  # type: ignore[attr-defined]
        "/": ("text/html", _PAGE.substitute(names).encode()),
        "/notebook": ("application/json", notebook.read_bytes()),
        "/saved/package.json": ("application/json", json.dumps(_EXTENSION).encode()),
        "/saved/package.nls.json": ("application/json", b"{}"),
        "/saved/main.js": ("text/javascript", _MAIN.substitute(names).encode()),
    }
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def outputs(page: Page) -> FrameLocator:
    """Return what shows the outputs of all cells: a frame in a frame."""
    return page.frame_locator("iframe.webview").frame_locator("#active-frame")


class _Handler(SimpleHTTPRequestHandler):
    """Answers with what was made here, and with the files of the package."""

    def do_GET(self) -> None:
        """Answer a request."""
        made = self.server.made.get(urlsplit(self.path).path)  # type: ignore[attr-defined]
        if made is None:
            super().do_GET()
            return
        kind, content = made
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def end_headers(self) -> None:
        """Let the frames of other origins read it."""
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""
