import { defineConfig } from 'vitest/config';

/**
 * Whole nodes on one event loop, real sockets and disks, a crash at every point, long random histories, and what imports much:
 * from source as well, but slower.
 */
const INLINE = [
  'test/unit/node/**/*.test.ts',
  'test/unit/testing/**/*.test.ts',
  'test/unit/net/tcp-*.test.ts',
  'test/unit/net/hello.test.ts',
  'test/unit/simulation/**/*.test.ts',
  'test/unit/sync/backends/**/*.test.ts',
  'test/unit/sidecar/**/*.test.ts',
  'test/unit/sync/kubernetes/**/*.test.ts',
  'test/unit/deploy/**/*.test.ts',
  'test/unit/cli/**/*.test.ts',
  'test/unit/actors/replicated/machine-parts.test.ts',
  'test/unit/architecture/lint-rules.test.ts',
  'test/unit/actors/log-store/**/*.test.ts',
  'test/unit/actors/raft/raft-log.test.ts',
  'test/unit/actors/raft/random-cluster.test.ts',
  'test/unit/runtime/simulation-scheduler.test.ts',
  'test/unit/net/codec.test.ts',
  'test/unit/actors/snapshotter/**/*.test.ts',
  'test/unit/storage/**/*.test.ts',
  'test/unit/actors/replicated/objects/**/*.test.ts',
  'test/unit/actors/replicated/state/**/*.test.ts',
  'test/unit/actors/replicated/value-codec.test.ts',
  'test/unit/actors/replicated/changes/watching.test.ts',
  'test/unit/actors/replicated/created-objects.test.ts',
  'test/unit/actors/coordination/**/*.test.ts',
  'test/unit/bench/**/*.test.ts',
];

/**
 * Have the machine to themselves: they keep clusters under load, or hold them to times. Those in `test/simulation` use all of it
 * anyway.
 */
const ALONE = [
  'test/cluster/dead-holder.test.ts',
  'test/cluster/durable-kills.test.ts',
  'test/cluster/frozen-leader.test.ts',
  'test/cluster/graceful-stop.test.ts',
  'test/cluster/hostile-bytes.test.ts',
  'test/cluster/kill-leader.test.ts',
  'test/cluster/lock-safety.test.ts',
  'test/cluster/lost-*.test.ts',
  'test/cluster/members.test.ts',
  'test/cluster/rolling-upgrade.test.ts',
  'test/cluster/sidecar-bad-input.test.ts',
  'test/cluster/soak.test.ts',
  'test/simulation/**/*.test.ts',
];

/**
 * `unit` and `inline` run from source, on one thread, many files in one process, where what they import is imported once: none may
 * leave anything behind. `built` and `alone` need `npm run build` first, for workers cannot load TypeScript. `kustomize` needs
 * `kubectl`, which CI installs, and is no part of `npm test`. Limits of time are for tests that hang: a slow machine is no failure.
 */
export default defineConfig({
  test: {
    retry: 0,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/scenario/**/*.test.ts'],
          exclude: INLINE,
          isolate: false,
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'inline',
          include: INLINE,
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Many of them wait for time to pass.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'built',
          include: ['threads', 'cluster', 'deploy', 'docs'].map((folder) => `test/${folder}/**/*.test.ts`),
          exclude: ALONE,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: ALONE,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      { extends: true, test: { name: 'kustomize', include: ['test/kustomize/**/*.test.ts'] } },
    ],
  },
});
