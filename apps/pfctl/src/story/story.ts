import type { JsonValue, Label } from '@provability-fabric/kernel';
import type { IntentExplanation, LoadedBundle, RaisedBy, WhyNot } from '@provability-fabric/policy';
import type {
  OutcomeCertificate,
  PermissionCertificate,
  SessionRecord,
} from '@provability-fabric/statements';

/** A session up to and including one action. */
export interface Story {
  readonly tenant: string;
  readonly session: string;
  readonly lines: readonly StoryLine[];
  readonly standing: Standing;
  readonly certificate: PermissionCertificate;
  readonly outcome: OutcomeCertificate | null;
  /** null where the records do not lead there any more. */
  readonly explanation: Explained | null;
}

/** How much of it was derived anew. */
export type Standing =
  | { readonly kind: 're-derived' }
  /** The statements are what was signed; nothing shows that they follow from anything. */
  | { readonly kind: 'signature only'; readonly because: string }
  /** What the records give is not what was certified. */
  | { readonly kind: 'contradicted'; readonly problems: readonly string[] };

export interface Explained extends IntentExplanation {
  readonly bundle: LoadedBundle;
  /** Of a refusal; null where the session cannot be decided again from its opening on. */
  readonly whyNot: WhyNot | null;
  /** The session's, before the action and after its outcome. */
  readonly label: { readonly before: Label; readonly after: Label };
  /** The automata after the outcome; undefined where there is none. */
  readonly settled: readonly number[] | undefined;
}

export type StoryLine = ActionLine | RecordLine;

export interface ActionLine {
  readonly kind: 'action';
  readonly certificate: PermissionCertificate;
  /** undefined where its record is gone. */
  readonly args: JsonValue | undefined;
  outcome: OutcomeCertificate | null;
  /** What its outcome raised the session's label to. */
  raised: { readonly to: Label; readonly by: RaisedBy | null } | null;
}

/** Anything else that can change a later verdict. */
export interface RecordLine {
  readonly kind: 'record';
  readonly record: SessionRecord;
  /** Of an approval; null where its record is gone. */
  readonly said: Said | null;
}

/** What somebody said about a held call. */
export interface Said {
  readonly approver: string;
  readonly decision: 'approve' | 'deny';
  readonly ticket: string;
  /** The call that was held for it first; null where none is known. */
  readonly of: { readonly seq: number; readonly target: string } | null;
}
