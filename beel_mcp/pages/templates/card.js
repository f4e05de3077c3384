// MCP Apps: shakes hands with the app that shows this document, and puts what the server drew for
// an answer (in the answer's _meta) into it; without that, the answer's own text.
"use strict";
(() => {
  const CONTENT = "beel-mcp/card";
  // What the server's templates are made of. All else is left out, with what stands in it.
  const TAGS = new Set(("bdi caption div em h1 h2 h3 li main ol p section small span strong table" +
    " tbody td tfoot th thead tr ul").split(" "));
  const ATTRIBUTES = new Set(("aria-label aria-labelledby class colspan id lang role rowspan scope" +
    " tabindex").split(" "));
  const shown = document.getElementById("shown");

  const send = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");

  const copy = (from, to) => {
    for (const node of from.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) {
        to.append(node.data);
      } else if (node.nodeType === Node.ELEMENT_NODE && TAGS.has(node.localName)) {
        const made = document.createElement(node.localName);
        for (const { name, value } of node.attributes) {
          if (ATTRIBUTES.has(name)) made.setAttribute(name, value);
        }
        copy(node, made);
        to.append(made);
      }
    }
  };

  const show = (answer) => {
    const made = document.createDocumentFragment();
    const drawn = (answer._meta || {})[CONTENT];
    const isDrawn = typeof drawn === "string";
    if (isDrawn) {
      copy(new DOMParser().parseFromString(drawn, "text/html").body, made);
    } else {
      for (const block of answer.content || []) {
        if (block.type !== "text") continue;
        const paragraph = document.createElement("p");
        paragraph.className = "lines";
        paragraph.textContent = block.text;
        made.append(paragraph);
      }
    }
    shown.className = isDrawn ? "" : "card"; // a drawing brings its own room
    shown.replaceChildren(made);
  };

  // The stylesheet knows the machine's scheme; the app may have another.
  const dark = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).filter(
    (rule) => rule instanceof CSSMediaRule && rule.media.mediaText.includes("color-scheme"));

  const adapt = ({ theme }) => {
    if (theme !== "light" && theme !== "dark") return;
    document.documentElement.style.colorScheme = theme;
    for (const rule of dark) rule.media.mediaText = theme === "dark" ? "all" : "not all";
  };

  const tellSize = () => {
    const height = Math.ceil(shown.getBoundingClientRect().bottom + scrollY);
    send({ method: "ui/notifications/size-changed", params: { height } });
  };

  const begin = (context) => {
    adapt(context || {});
    send({ method: "ui/notifications/initialized", params: {} });
    new ResizeObserver(tellSize).observe(shown);
  };

  addEventListener("message", ({ source, data }) => {
    if (source !== parent || !data || data.jsonrpc !== "2.0") return;
    const params = data.params || {};
    if (data.method === undefined) {
      if (data.id === 1 && data.result) begin(data.result.hostContext);
    } else if (data.method === "ui/notifications/tool-result") {
      show(params);
    } else if (data.method === "ui/notifications/host-context-changed") {
      adapt(params);
    } else if (data.id !== undefined) {
      const known = ["ping", "ui/resource-teardown"].includes(data.method);
      const error = { code: -32601, message: "This card only shows." };
      send({ id: data.id, ...(known ? { result: {} } : { error }) });
    }
  });
  send({
    id: 1,
    method: "ui/initialize",
    params: {
      appInfo: { name: "beel-mcp", version: "1" },
      appCapabilities: { availableDisplayModes: ["inline"] },
      protocolVersion: "2026-01-26",
    },
  });
})();
