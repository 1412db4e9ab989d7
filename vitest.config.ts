import { defineConfig } from 'vitest/config';

/** `unit` runs from source on one thread; `built` needs `npm run build` first, for workers cannot load TypeScript. */
export default defineConfig({
  test: {
    retry: 0,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/unit/**/*.test.ts', 'test/scenario/**/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'built',
          include: ['test/threads/**/*.test.ts', 'test/cluster/**/*.test.ts', 'test/docs/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
