// The TypeScript client of the second generation, over stdio or HTTP, on either era.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { report, tell, target } from "./flow.mjs";
import { forms, person } from "./guarded.mjs";

const { url, command, args, env, mode, story, answers } = target();
const options = mode === "auto" ? { versionNegotiation: { mode } } : {};
const client = new Client(
  { name: "interop-v2", version: "1" },
  { ...options, capabilities: forms(answers) },
);
const { questions, answer } = person(answers);
if (answers) client.setRequestHandler("elicitation/create", answer);
await client.connect(
  url
    ? new StreamableHTTPClientTransport(new URL(url))
    : new StdioClientTransport({ command, args, env, stderr: "inherit" }),
);
const protocol = client.getNegotiatedProtocolVersion();
const facts = { protocol, ...(await tell(story, client)), questions };
await client.close();
report(facts);
