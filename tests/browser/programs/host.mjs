// A host of MCP Apps on the reference implementation of its half: shows a document in a frame of
// another origin, shakes hands, hands it a tool's answer. A test drives it through `window.host`.
import { AppBridge, getToolUiResourceUri, PostMessageTransport } from
  "@modelcontextprotocol/ext-apps/app-bridge";

const host = { sizes: [], asked: [], app: null };
let bridge;

host.uriOf = (tool) => getToolUiResourceUri(tool);

host.show = async (url, hostContext) => {
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-scripts";
  frame.title = "card";
  frame.style.width = "100%";
  document.body.append(frame);
  bridge = new AppBridge(null, { name: "host", version: "1" }, {}, { hostContext });
  bridge.addEventListener("sizechange", ({ height }) => {
    host.sizes.push(height);
    frame.style.height = `${height}px`;
  });
  for (const method of ["onopenlink", "onmessage", "onupdatemodelcontext", "oncalltool"]) {
    bridge[method] = async () => {
      host.asked.push(method);
      return {};
    };
  }
  const ready = new Promise((resolve) => bridge.addEventListener("initialized", resolve));
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.src = url;
  await ready;
  host.app = bridge.getAppVersion();
};

host.answer = async (input, result) => {
  await bridge.sendToolInput({ arguments: input });
  await bridge.sendToolResult(result);
};

host.adapt = (context) => bridge.setHostContext(context);
host.tearDown = () => bridge.teardownResource({});

window.host = host;
