// A client does what it is told on stdin, a line each, and tells what it was answered.
import { createInterface } from "node:readline";

const told = ({ isError = false, structuredContent, content }) => ({
  isError,
  structure: structuredContent,
  content,
});

export const { url, command, args, env, mode, answers } = JSON.parse(process.argv[2]);
export const forms = answers ? { elicitation: {} } : {};
export const questions = [];
const left = [...(answers ?? [])];

// The person in front of the client.
export async function answer({ params }) {
  questions.push({ message: params.message, schema: params.requestedSchema });
  return left.shift();
}

export async function obey(client, protocol) {
  const doings = {
    protocol: async () => protocol,
    tools: async () => (await client.listTools()).tools,
    call: async ({ name, args }) => told(await client.callTool({ name, arguments: args })),
    prompts: async () => (await client.listPrompts()).prompts,
    prompt: async ({ name, args }) => (await client.getPrompt({ name, arguments: args })).messages,
    resources: async () => (await client.listResources()).resources,
    templates: async () => (await client.listResourceTemplates()).resourceTemplates,
    read: async ({ uri }) => (await client.readResource({ uri })).contents,
    complete: async ({ ref, argument }) => (await client.complete({ ref, argument })).completion,
    questions: async () => questions,
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const { doing, ...words } = JSON.parse(line);
    let said;
    try {
      said = { done: await doings[doing](words) };
    } catch (error) {
      said = { refused: { code: error.code, message: error.message } };
    }
    process.stdout.write(JSON.stringify(said) + "\n");
  }
  await client.close();
}
