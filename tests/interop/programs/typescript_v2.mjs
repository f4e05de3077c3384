// The TypeScript client of the second generation, over stdio or HTTP, on either era.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { answer, answers, args, command, env, forms, mode, obey, url } from "./guide.mjs";

const options = mode === "auto" ? { versionNegotiation: { mode } } : {};
const client = new Client(
  { name: "interop-v2", version: "1" },
  { ...options, capabilities: forms },
);
if (answers) client.setRequestHandler("elicitation/create", answer);
await client.connect(
  url
    ? new StreamableHTTPClientTransport(new URL(url))
    : new StdioClientTransport({ command, args, env, stderr: "inherit" }),
);
await obey(client, client.getNegotiatedProtocolVersion());
