// The TypeScript client of the first generation, over stdio or HTTP.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { flow, report, target } from "./flow.mjs";

const { url, command, args, env } = target();
const client = new Client({ name: "interop-v1", version: "1" });
await client.connect(
  url
    ? new StreamableHTTPClientTransport(new URL(url))
    : new StdioClientTransport({ command, args, env, stderr: "inherit" }),
);
const facts = await flow(client);
await client.close();
report(facts);
