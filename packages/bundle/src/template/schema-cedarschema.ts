export const SCHEMA_CEDARSCHEMA = `// The types that policy.cedar is validated against. The fabric builds every request
// in this shape; only \`args\` and \`attributes\` are yours to describe.

entity Role;
entity Org;
entity Tenant;
entity Effect;

entity Agent in [Role, Org, Tenant] {
  roles: Set<String>,
  org: String,
  tenant: String,
  attributes: {},
};

entity Tool in [Effect] {
  name: String,
  effect: String,
  once: Bool,
};

entity Document {
  uri: String,
};

// What the session has read so far. Levels: 0 public, 1 internal, 2 confidential, 3 secret.
type Label = {
  level: Long,
  compartments: Set<String>,
  trusted: Bool,
};

action "call" appliesTo {
  principal: [Agent],
  resource: [Tool],
  context: {
    session: String,
    epoch: Long,
    tenant: String,
    now: datetime,
    label: Label,
    attributes: {},
    // The arguments that policies look at, of all tools together.
    args: {
      path?: String,
      to?: String,
      subject?: String,
    },
  },
};

action "read" appliesTo {
  principal: [Agent],
  resource: [Document],
  context: {
    session: String,
    epoch: Long,
    tenant: String,
    now: datetime,
    label: Label,
    attributes: {},
    args: {},
  },
};
`;
