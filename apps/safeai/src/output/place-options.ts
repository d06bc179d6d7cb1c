import { choiceOption } from '@provability-fabric/command-line';
import { type Command, Option } from 'commander';

export interface PlaceOptions {
  readonly dataDir?: string;
  readonly keysDir?: string;
  readonly projectRoot?: string;
  readonly policyFile?: string;
  readonly url?: string;
  readonly tokenFile?: string;
}

export interface FormatOptions {
  readonly format: 'table' | 'json';
  readonly json?: boolean;
}

export function dataOption(): Option {
  return new Option('--data-dir <folder>', 'the data folder (default: SAFEAI_DATA_DIR, else ./data)');
}

export function keysOption(): Option {
  return new Option('--keys-dir <folder>', 'where the keys are (default: keys in the data folder)');
}

export function projectOption(): Option {
  return new Option('--project-root <folder>', 'the governed tree (default: SAFEAI_PROJECT_ROOT, else .)');
}

function policyOption(): Option {
  return new Option(
    '--policy-file <file>',
    'the policy (default: SAFEAI_POLICY_FILE, else /app/config/policy.yaml, config/policy.yaml)',
  );
}

/** Where the governor's things are on this machine. */
export function withFolders(command: Command): Command {
  return command
    .addOption(dataOption())
    .addOption(keysOption())
    .addOption(projectOption())
    .addOption(policyOption());
}

/** On this machine, or at a service. */
export function withPlace(command: Command): Command {
  return withService(withFolders(command));
}

export function withService(command: Command): Command {
  return command
    .option('--url <url>', 'ask this running service (default: SAFEAI_URL, else the data folder)')
    .option('--token-file <file>', 'holds a token for it (default: SAFEAI_TOKEN_FILE)');
}

export function withFormat(command: Command): Command {
  return command
    .addOption(choiceOption('--format <format>', 'how to print', ['table', 'json']).default('table'))
    .option('--json', 'the same as --format json');
}

export function wantsJson({ format, json }: FormatOptions): boolean {
  return json === true || format === 'json';
}
