// The TypeScript client of the second generation, over stdio or HTTP, on either era.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { flow, report, target } from "./flow.mjs";

const { url, command, args, env, mode } = target();
const options = mode === "auto" ? { versionNegotiation: { mode } } : {};
const client = new Client({ name: "interop-v2", version: "1" }, options);
await client.connect(
  url
    ? new StreamableHTTPClientTransport(new URL(url))
    : new StdioClientTransport({ command, args, env, stderr: "inherit" }),
);
const facts = { protocol: client.getNegotiatedProtocolVersion(), ...(await flow(client)) };
await client.close();
report(facts);
