import { defineConfig } from 'vitest/config';

const COMMON = {
  exclude: ['**/node_modules/**', '**/dist/**'],
  setupFiles: ['tools/testing/property-seed.ts'],
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

/** Packages whose tests leave the environment and the working directory of their process as they were. */
const SHARING = [
  'bundle',
  'client',
  'command-line',
  'configuration',
  'detect',
  'enforcement',
  'gateway-http',
  'gateway-mcp',
  'governor',
  'kernel',
  'policy',
  'secrets',
  'statements',
];

function testsOf(name: string): string {
  return `packages/${name}/**/*.test.ts`;
}

export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      // These leave nothing behind in their process, so that the files of a worker load each module once: half of their time.
      { extends: true, test: { ...COMMON, name: 'packages', include: SHARING.map(testsOf), isolate: false } },
      {
        extends: true,
        test: {
          ...COMMON,
          name: 'isolated',
          include: ['packages/**/*.test.ts', 'apps/**/*.test.ts', 'tools/**/*.test.ts'],
          exclude: [...COMMON.exclude, ...SHARING.map(testsOf)],
        },
      },
    ],
    // One more than the cores that the suite is made for: many tests wait for processes of their own.
    maxWorkers: 3,
    reporters: process.env.CI ? ['default', ['json', { outputFile: 'coverage/tests.json' }]] : ['default'],
  },
});
