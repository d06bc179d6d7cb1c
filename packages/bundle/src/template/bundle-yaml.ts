export const BUNDLE_YAML = `# What this agent may do, where data may flow, and how much.
# Reference: docs/reference/bundle.md. Check it with \`pfctl policy check\`, try it with \`pfctl test\`.
name: @NAME@
version: 1                      # only ever goes up
owner: @OWNER@
tenants: [@TENANT@]
assurance: standard             # high: nothing may weaken a clause without a break-glass ticket
default_mode: enforce           # what is not permitted is refused; monitor or shadow would only tell

# Values that this bundle vouches for.
constants:
  team: [team@@TENANT@.example]

# Folders: what reading them makes the session carry. Whatever is not in a store cannot be named by a path.
stores:
  documents:
    paths: ["documents/**"]
    label: { level: internal, integrity: trusted }
  inbox:
    paths: ["inbox/**"]         # written by strangers: read it, do not believe it
    label: { level: internal, integrity: untrusted }
  private:
    paths: ["private/{tenant}/**"]
    label: { level: confidential, compartments: ["tenant:{tenant}"], integrity: trusted }

# Tools by the names that their MCP server gives them. A tool that is not here does not exist for the agent.
tools:
  read_text_file:
    effect: read
    parameters:
      path: { stores: [documents, inbox, private] }
  list_directory:
    effect: read
    parameters:
      path: { stores: [documents, inbox, private] }
  send_mail:
    effect: egress
    once: true                  # never sent again while it is unknown whether it was sent
    returns: { level: public, integrity: trusted }
    clearance: { level: internal, integrity: untrusted }    # what may leave: up to internal, believed or not
    parameters:
      to:                       # an address that the prompt names, or the team's
        from: [prompt, { constant: team }]
        endorse: [prompt]       # the prompt's word is enough, even if the inbox names the address too

clauses:
  # Each Cedar policy is a clause too; name it here to give it a mode, an owner or an expiry of its own.
  - id: mail-for-assistants
    kind: permit
    severity: high
    description: assistants may send mail

  - id: paths-stay-in-stores
    kind: flow
    rule: parameters
    on: { effects: [read] }
    description: files are read only where the stores say, and only those of the agent's own tenant

  - id: known-recipients
    kind: flow
    rule: parameters
    on: { tools: [send_mail] }
    severity: high
    description: mail goes to whom the prompt or this bundle names, never to whom a document names

  - id: no-exfiltration
    kind: flow
    rule: session_label
    on: { effects: [egress, write] }
    severity: critical
    critical: true
    description: what has been read may only leave through what is cleared for it

  - id: few-mails
    kind: limit
    on: { tools: [send_mail] }
    max: 3
    window: 1h
    description: at most three mails an hour
`;
