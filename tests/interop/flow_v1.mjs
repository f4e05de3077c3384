// The TypeScript client of the first generation, over stdio or HTTP.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { report, tell, target } from "./flow.mjs";
import { forms, person } from "./guarded.mjs";

const { url, command, args, env, story, answers } = target();
const client = new Client({ name: "interop-v1", version: "1" }, { capabilities: forms(answers) });
const { questions, answer } = person(answers);
if (answers) client.setRequestHandler(ElicitRequestSchema, answer);
await client.connect(
  url
    ? new StreamableHTTPClientTransport(new URL(url))
    : new StdioClientTransport({ command, args, env, stderr: "inherit" }),
);
const facts = { ...(await tell(story, client)), questions };
await client.close();
report(facts);
