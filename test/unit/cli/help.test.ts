import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { conclaveCommand } from '../../../src/cli/command.js';
import { run } from './recorded-io.js';

const IO = {
  out: () => {},
  err: () => {},
  isTerminal: false,
  isAtTerminal: false,
  signal: new AbortController().signal,
  onSignal: () => () => {},
};
const COMMANDS = conclaveCommand(IO, () => {}).commands.map((command) => command.name());

describe('--help', () => {
  it.each([[], ...COMMANDS.map((name) => [name])].map((args) => [...args, '--help'].join(' ')))(
    'docs/command.md shows what conclave %s says',
    async (args) => {
      const page = readFileSync(new URL('../../../docs/command.md', import.meta.url), 'utf8');

      const { code, out, err } = await run(args.split(' '));

      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(page).toContain(`\`\`\`text\n$ conclave ${args}\n${out.trimEnd()}\n\`\`\``);
    },
  );
});

describe('--version', () => {
  it('is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
      readonly version: string;
    };

    expect(await run(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });
});

describe('what cannot be understood ends with 2 and says where help is', () => {
  it.each([
    [['explode'], "unknown command 'explode'"],
    [['status'], "missing required argument 'node'"],
    [['status', 'nowhere'], 'It is no HOST:PORT'],
    [['add', 'a:1'], "missing required argument 'address'"],
    [['add', 'a:1', 'b:99999'], 'It is no HOST:PORT'],
    [['set-version', 'a:1'], "missing required argument 'n'"],
    [['set-version', 'a:1', '-1'], 'It is no whole number'],
    [['set-version', 'a:1', '1.5'], 'It is no whole number'],
    [['status', 'a:1', 'b:1'], 'too many arguments'],
    [['status', 'a:1', '--timeout', 'soon'], 'It is no number of seconds'],
    [['status', 'a:1', '--timeout', '0'], 'It is no number of seconds'],
    [['status', 'a:1', '--watch', 'often'], 'It is no number of seconds'],
    [['status', 'a:1', '--loud'], "unknown option '--loud'"],
    [['lock'], "missing required argument 'name'"],
    [['lock', 'x'], "missing required argument 'command'"],
    [['lock', 'x', 'ls', '-l'], "unknown option '-l'"],
    [['lock', 'x', '--ttl', '15', '--', 'ls'], 'It is no length of time'],
  ])('%j', async (args, complaint) => {
    const { code, out, err } = await run(args);

    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(complaint);
    expect(err).toContain('--help');
  });
});
