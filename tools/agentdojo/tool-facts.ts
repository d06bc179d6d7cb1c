import { parse } from 'yaml';

/**
 * What the simple policies need to know of tools; taken from the draft, so that they are given no less than
 * it.
 */
export interface ToolFacts {
  /** Whether the tool changes or sends anything. */
  acts(tool: string): boolean;
  /** The arguments that say who gets it. */
  destinations(tool: string): readonly string[];
}

interface WrittenTool {
  readonly effect: string;
  readonly parameters?: Readonly<Record<string, { readonly trusted?: boolean }>>;
}

export function toolFacts(bundleYaml: string): ToolFacts {
  const { tools } = parse(bundleYaml) as { readonly tools: Readonly<Record<string, WrittenTool>> };
  return {
    acts: (tool) => (tools[tool]?.effect ?? 'write') !== 'read',
    // The draft demands trust of destinations and exact sources of everything else.
    destinations: (tool) =>
      Object.entries(tools[tool]?.parameters ?? {})
        .filter(([, { trusted }]) => trusted === true)
        .map(([name]) => name),
  };
}
