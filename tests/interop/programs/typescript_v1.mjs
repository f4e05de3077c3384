// The TypeScript client of the first generation, over stdio or HTTP.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { answer, answers, args, command, env, forms, obey, url } from "./guide.mjs";

const client = new Client({ name: "interop-v1", version: "1" }, { capabilities: forms });
if (answers) client.setRequestHandler(ElicitRequestSchema, answer);
const transport = url
  ? new StreamableHTTPClientTransport(new URL(url))
  : new StdioClientTransport({ command, args, env, stderr: "inherit" });
let protocol; // the client keeps it to itself and tells its transport
transport.setProtocolVersion = (version) => (protocol = version);
await client.connect(transport);
await obey(client, protocol);
