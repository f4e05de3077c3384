// A guarded change through a client: with a person who answers forms, and without.

const XURXO = "33471259A"; // has no invoices, as the two behind
const OLENA = "X2468135M";
const PAPELERIA = "E28034171";
const IBARRA = "A48012397";
const RIAS = "B70123450"; // has invoices

export function forms(answers) {
  return answers ? { elicitation: {} } : {};
}

export function person(answers) {
  const left = [...(answers ?? [])];
  const questions = [];
  const answer = async ({ params }) => {
    questions.push({ message: params.message, schema: params.requestedSchema });
    return left.shift();
  };
  return { questions, answer };
}

const finder = (ask) => async (nif) => (await ask("find_customers", { nif })).structure.customers;
const ids = async (find, ...nifs) => (await Promise.all(nifs.map(find))).map(([one]) => one.customer_id);
const gone = async (find, ...nifs) => (await Promise.all(nifs.map(find))).map((found) => found.length === 0);

// The answers of the person: yes, the number of two, a wrong number, declined.
export async function asked(ask) {
  const find = finder(ask);
  const deactivate = (customer_ids) => ask("deactivate_customers", { customer_ids });
  const one = await deactivate(await ids(find, XURXO));
  const two = await deactivate(await ids(find, OLENA, PAPELERIA));
  const both = await ids(find, IBARRA, RIAS);
  const inactive = { customer_ids: both, mode: "inactive" };
  const miscounted = await ask("deactivate_customers", inactive);
  const declined = await ask("deactivate_customers", inactive);
  return {
    one, two, miscounted, declined,
    gone: await gone(find, XURXO, OLENA, PAPELERIA, IBARRA, RIAS),
  };
}

export async function planned(ask) {
  const find = finder(ask);
  const [rias] = await ids(find, RIAS);
  const customer_ids = [...(await ids(find, XURXO, OLENA)), rias];
  const plan = await ask("deactivate_customers", { customer_ids });
  const { plan_id, statement } = plan.structure;
  const misquoted = await ask("confirm_plan", { plan_id, statement: "Delete them." });
  const before = await gone(find, XURXO, OLENA);
  const [confirm] = plan.structure.next;
  const other = await ask("deactivate_customers", { customer_ids: await ids(find, OLENA) });
  const overtaking = await ask(other.structure.next[0].tool, other.structure.next[0].arguments);
  const overtaken = await ask(confirm.tool, confirm.arguments);
  const [anew] = overtaken.structure.next;
  const done = await ask(anew.tool, anew.arguments);
  const replayed = await ask(anew.tool, anew.arguments);
  const nothing = await ask("deactivate_customers", { customer_ids: [rias] });
  const invented = await ask("confirm_plan", { plan_id: "plan_nobody", statement });
  return {
    plan, misquoted, before, overtaking, overtaken, done, replayed, nothing, invented,
    after: await gone(find, XURXO, OLENA, RIAS),
  };
}
