// Runs scripts through a state machine's definition with the interpreter of `aws-local-stepfunctions`, on a simulated
// clock. Standard input: {"definition": ..., "start": seconds since 1970, "execution": {...}, "scripts": [...]}, each
// script as scripts.py describes it. Standard output: a trace for each, in the same order.
import { readFileSync, writeFileSync } from "node:fs";
import { ExecutionError, ExecutionTimeoutError, StateMachine } from "aws-local-stepfunctions";

const RealDate = Date;
const HANDLED = { StateRetried: "Retry", StateCaught: "Catch" };
const clock = { now: 0, timers: new Map(), made: 0 };

globalThis.setTimeout = (happens, milliseconds) => {
  clock.made += 1;
  clock.timers.set(clock.made, { at: clock.now + milliseconds, happens });
  return clock.made;
};
globalThis.clearTimeout = (timer) => clock.timers.delete(timer);
globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length ? given : [clock.now]));
  }
  static now() {
    return clock.now;
  }
};
// The random pause before a retry is half of the longest one.
Math.random = () => 0.5;

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const everythingElse = () => new Promise((resolve) => setImmediate(resolve));

/** Let the time pass from one timer to the next until the promise is settled. */
async function follow(promise) {
  let settled = false;
  const outcome = promise.then(
    (output) => ({ status: "SUCCEEDED", output }),
    (error) => failure(error),
  );
  outcome.then(() => (settled = true));
  for (await everythingElse(); !settled; await everythingElse()) {
    const [first] = [...clock.timers.entries()].sort(([a, x], [b, y]) => x.at - y.at || a - b);
    if (first === undefined) throw new Error("The execution waits for nothing.");
    clock.timers.delete(first[0]);
    clock.now = Math.max(clock.now, first[1].at);
    first[1].happens();
  }
  return outcome;
}

function failure(error) {
  if (error instanceof ExecutionTimeoutError) return { status: "TIMED_OUT" };
  if (!(error instanceof ExecutionError)) throw error;
  return { status: "FAILED", error: error.cause.name, cause: error.cause.message };
}

/** The task's outcomes one after the other; the last one stays. */
function task(state, outcomes, tasks) {
  let made = 0;
  return async ({ FunctionName, Payload }) => {
    tasks.push([state, FunctionName, Payload]);
    const outcome = outcomes[Math.min(made++, outcomes.length - 1)];
    await sleep(outcome.seconds);
    if (outcome.error !== null) throw Object.assign(new Error(outcome.cause), { name: outcome.error });
    return { ExecutedVersion: "$LATEST", Payload: structuredClone(outcome.result), StatusCode: 200 };
  };
}

/** The engine leaves `$$.State.Name` to the context that it is given: it is the state that was last looked up. */
function namingStates(definition) {
  const context = { Name: "" };
  const look = (states, name) => {
    context.Name = name;
    return states[name];
  };
  return [{ ...definition, States: new Proxy(definition.States, { get: look }) }, context];
}

async function run(given, script) {
  clock.now = given.start * 1000;
  clock.timers.clear();
  const [definition, state] = namingStates(given.definition);
  const tasks = [];
  const handlers = Object.entries(script.tasks).map(([name, outcomes]) => [name, task(name, outcomes, tasks)]);
  const machine = new StateMachine(definition, { validationOptions: { noValidate: true } });
  const execution = machine.run(script.input, {
    context: { Execution: given.execution, State: state },
    overrides: { taskResourceLocalHandlers: Object.fromEntries(handlers) },
  });
  const end = await follow(execution.result);
  const elapsed = (milliseconds) => milliseconds / 1000 - given.start;
  const path = [];
  const handled = [];
  for await (const event of execution.eventLogs) {
    if (event.type === "StateEntered") path.push([event.state.name, elapsed(event.timestamp)]);
    if (event.type in HANDLED) handled.push([event.state.name, HANDLED[event.type]]);
  }
  return { ...end, path, handled, tasks, seconds: elapsed(clock.now) };
}

const given = JSON.parse(readFileSync(0, "utf8"));
const traces = [];
for (const script of given.scripts) traces.push(await run(given, script));
writeFileSync(1, JSON.stringify(traces));
