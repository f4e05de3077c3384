// What is asked of any client that has listTools and callTool: the main job, or a guarded change.
import { asked, planned } from "./guarded.mjs";

const STORIES = { imported, asked, planned };

export async function tell(story, client) {
  // First the list: from then on a client holds every answer, errors too, against its schema.
  const { tools } = await client.listTools();
  const ask = async (name, args) => {
    const { isError = false, structuredContent, content } = await client.callTool({ name, arguments: args });
    return { isError, structure: structuredContent, text: content.map((block) => block.text).join("\n") };
  };
  return { tools: tools.map((tool) => tool.name), ...(await STORIES[story](ask)) };
}

async function imported(ask) {
  const status = await ask("get_status", {});
  const validated = await ask("validate_customers", { source_path: "customers.csv" });
  const [next] = validated.structure.next;
  const created = await ask(next.tool, next.arguments);
  const repeated = await ask(next.tool, next.arguments);
  const found = await ask("find_customers", { search: "Panadería Lourdes" });
  const again = await ask("validate_customers", { source_path: "customers.csv" });
  const misspelled = await ask("find_customers", { serach: "Lourdes" });
  const unknown_batch = await ask("create_customers", { batch_id: "bat_nobody", expected_count: 21 });
  return { status, validated, created, repeated, found, again, misspelled, unknown_batch };
}

export function target() {
  return JSON.parse(process.argv[2]);
}

export function report(facts) {
  process.stdout.write(JSON.stringify(facts) + "\n");
}
