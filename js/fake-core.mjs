// The package's modules over a core that a test makes: what JavaScript adds to the core's answers.
import { build } from 'esbuild';

const MODULES = [
  'calls',
  'chat',
  'codec',
  'emitter',
  'errors',
  'types.gen',
  'tencent/face',
  'rongcloud/face',
  'rongcloud/list',
  'trace',
];

const { outputFiles } = await build({
  stdin: {
    contents: MODULES.map((name) => `export * from './${name}.js';`).join('\n'),
    resolveDir: import.meta.dirname ?? 'js',
  },
  bundle: true,
  write: false,
  format: 'esm',
});
const source = Buffer.from(outputFiles[0].contents).toString('base64');

/** Everything that the modules export. */
export const lethe = await import(`data:text/javascript;base64,${source}`);

const { Calls, Chat, decode, Emitter, encode } = lethe;

/** A chat whose core answers with what answer(name, args) returns, and the record of its calls. */
export async function chatOver(answer, trace) {
  const calls = [];
  const emitter = new Emitter();
  let listener;
  const core = {
    place: 'page',
    call: async (name, bytes) => {
      const args = decode(bytes);
      calls.push([name, args]);
      return encode(await answer(name, args));
    },
    end() {},
  };
  const chat = new Chat(
    await Calls.over(
      async (given) => {
        listener = given;
        return core;
      },
      emitter,
      lethe.tracing(trace),
    ),
    emitter,
  );
  return { chat, calls, listener, tell: (name, data) => listener.event(name, encode(data)) };
}

/** An answer for every call. */
export const succeeds = (data) => () => ({ code: 0, data });

/** A refusal for every call. */
export const fails =
  (code, message = 'no') =>
  () => ({ code, message });
