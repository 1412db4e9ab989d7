/**
 * `conclave sidecar`: answers for locks beside an application, until it is told to end. It is the one subcommand that
 * holds a node, or whatever else a sidecar stands on, so it is loaded only when it runs.
 */

import { Command, Option } from 'commander';
import { duration } from './duration.js';
import type { CommandIo } from './io.js';
import { address } from './node-command.js';
import { printable } from './printing.js';
import type { BackendName, SidecarFlags } from './sidecar-backends.js';

const ALIVE_EVERY_MS = 3_600_000;
const BACKENDS: readonly BackendName[] = ['raft', 'kubernetes', 'memory'];
/** What only a node has. */
const OF_RAFT = ['self', 'peers', 'bind', 'join', 'cluster', 'dataDir'] as const;

export function sidecarCommand(io: CommandIo): Command {
  return new Command('sidecar')
    .description('answer for locks beside an application, over HTTP, as Metaparticle does')
    .addOption(new Option('--backend <name>', 'what keeps the locks').choices(BACKENDS).default('raft'))
    .option('--self <address>', 'raft: HOST:PORT of this node, as its peers write it', address)
    .option('--peers <addresses>', 'raft: HOST:PORT of all others, with commas', addresses)
    .option('--bind <address>', 'raft: where the node listens, when that is not --self', address)
    .option('--join', 'raft: found no cluster, wait to be added to one')
    .option('--cluster <name>', 'raft: a name that all nodes of the cluster share')
    .option('--data-dir <path>', 'raft: where the log is kept (default: in memory)')
    .option(
      '--listen <addresses>',
      'HOST:PORT to answer on, with commas (default: 13131 and 8080, loopback)',
      addresses,
    )
    .option('--identity <name>', 'who holds what is asked for here (default: the name of the host)')
    .option('--ttl <time>', 'who is not heard of for so long has lost its lock (default: 30s)', duration)
    .option(
      '--namespace <name>',
      'of the Leases (default: of the pod, or of the kubeconfig), and what locks say is theirs',
    )
    .option('--election <name>', 'stand in this election, and say who leads')
    .option('--election-listen <addresses>', 'where that is said (default: 4040, loopback)', addresses)
    .hook('preAction', checkFlags)
    .action(async (flags: SidecarFlags) => run(flags, io));
}

/** Ends the command where flags do not go together. */
function checkFlags(command: Command): void {
  const flags = command.opts<SidecarFlags>();
  if (flags.backend === 'raft') {
    if (flags.self === undefined) command.error('error: --backend raft needs --self HOST:PORT, as its peers write it');
    return;
  }
  const stray = OF_RAFT.find((name) => flags[name] !== undefined);
  if (stray === undefined) return;
  const { long } = command.options.find((option) => option.attributeName() === stray)!;
  command.error(`error: ${long} is for --backend raft, and means nothing with --backend ${flags.backend}`);
}

/** Told to end while it starts, it ends as soon as it has: a signal is sent once, and may have no effect by default. */
async function run(flags: SidecarFlags, io: CommandIo): Promise<void> {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  // The first signal; the next one ends it at once.
  const ignore = io.onSignal(end);
  ending.signal.addEventListener('abort', ignore, { once: true });
  if (io.signal.aborted) end();
  io.signal.addEventListener('abort', end, { once: true });
  try {
    await answerUntil(ending.signal, flags, (message) => io.err(`${printable(message)}\n`));
  } finally {
    ignore();
    io.signal.removeEventListener('abort', end);
  }
}

async function answerUntil(ending: AbortSignal, flags: SidecarFlags, say: (message: string) => void): Promise<void> {
  const [{ openBackend }, { Sidecar }] = await Promise.all([
    import('./sidecar-backends.js'),
    import('../sidecar/sidecar.js'),
  ]);
  const opened = await openBackend(flags, say);
  if (ending.aborted) return opened.close();
  const { listen, identity, ttl, namespace, election, electionListen } = flags;
  const sidecar = await Sidecar.start({
    opened,
    warn: say,
    ...defined({ listen, identity, ttlMs: ttl, namespace, election, electionListen }),
  });
  if (!ending.aborted) say(`Answers for locks on ${sidecar.addresses.join(', ')}.`);
  await aborted(ending);
  say('Gives all locks back.');
  await sidecar.stop();
}

/** Without what is undefined. */
function defined<Fields extends object>(fields: Fields): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> };
}

function addresses(value: string): string[] {
  return value.split(',').map((each) => address(each.trim()));
}

/** The process lives until then: neither timers nor sockets of a sidecar that waits have to keep it. */
async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const alive = setInterval(() => {}, ALIVE_EVERY_MS);
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  clearInterval(alive);
}
