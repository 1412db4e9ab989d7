/** Whoever knows a name of PySyncObj 0.3 finds it in the guide, with what it is called here. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const GUIDE = readFileSync(new URL('../../../docs/coming-from-pysyncobj.md', import.meta.url), 'utf8');
const TABLE = GUIDE.slice(GUIDE.indexOf('## All the names'), GUIDE.indexOf('## What is different'));

const NAMES = {
  'SyncObj and its decorators': `SyncObj SyncObjConsumer replicated replicated_sync consumers sync timeout callback addNodeToCluster
    removeNodeFromCluster setCodeVersion getCodeVersion addOnTickCallback waitBinded waitReady isReady destroy destroy_synchronous
    tick_thread_alive doTick getStatus printStatus forceLogCompaction hasQuorum isNodeConnected`,
  FAIL_REASON: `FAIL_REASON SyncObjException QUEUE_FULL MISSING_LEADER DISCARDED NOT_LEADER LEADER_CHANGED REQUEST_DENIED`,
  SyncObjConf: `password autoTick autoTickPeriod commandsQueueSize raftMinTimeout raftMaxTimeout appendEntriesPeriod connectionTimeout
    connectionRetryTime leaderFallbackTimeout appendEntriesUseBatch appendEntriesBatchSizeBytes bindAddress preferredAddrType
    sendBufferSize recvBufferSize dnsCacheTime dnsFailCacheTime logCompactionMinEntries logCompactionMinTime logCompactionSplit
    logCompactionBatchSize commandsWaitLeader fullDumpFile journalFile bindRetryTime maxBindRetries onReady onStateChanged
    dynamicMembershipChange pollerType useFork serializer serializeChecker deserializer onCodeVersionChanged tcp_keepalive`,
  ReplCounter: `ReplCounter set add sub inc get`,
  ReplList: `ReplList reset set append extend insert remove pop sort index count get len rawData`,
  ReplDict: `ReplDict reset set setdefault update pop clear get len in keys values items`,
  ReplSet: `ReplSet reset add remove discard pop clear update len in`,
  ReplQueue: `ReplQueue maxsize put get qsize empty full`,
  ReplPriorityQueue: `ReplPriorityQueue`,
  ReplLockManager: `ReplLockManager autoUnlockTime tryAcquire isAcquired release`,
  syncobj_admin: `syncobj_admin status add remove set_version`,
};

/** The left cells that speak of it, of objects those of the object. */
function namesFor(what: string): Set<string> {
  const cells = TABLE.split('\n').map((line) => line.split(' | ')[0]!);
  const own = what.startsWith('Repl') ? cells.filter((cell) => cell.includes(what) || cell.includes('rawData')) : cells;
  const code = own.flatMap((cell) => [...cell.matchAll(/`([^`]*)`/g)].map((match) => match[1]!));
  return new Set(code.flatMap((each) => each.match(/\w+/g) ?? []));
}

describe('the table of names has all', () => {
  it.each(Object.entries(NAMES))('of %s', (what, names) => {
    const known = namesFor(what);

    expect(names.split(/\s+/).filter((name) => !known.has(name))).toEqual([]);
  });
});
