import type { ErrorEntries } from "../errors.ts";

/** 117x: what the tables of `states:` and the rules that write states say of each other. */
export const configStateErrors = {
  HK1170: {
    title: "A state nobody enters",
    message: "no rule of any pipeline writes the state `{state}` of {entity}",
    help: "A state is entered only by a rule that writes it, so the state and the moves from and to it are never used. Write it in a rule, or take it out of the table.",
    wrong: "states: { active: [canceled], canceled: [], paused: [active] }",
    right: "states: { active: [canceled], canceled: [] }",
  },
  HK1171: {
    title: "A state nobody leaves",
    message: "nothing leaves the state `{state}` of {entity}: no rule writes {exits}",
    help: "The table allows moves out of the state, and no rule makes one of them. What enters it stays there for ever. Add the rule, or say in the table that it is final: `{state}: []`.",
  },
  HK1172: {
    title: "A move that nobody has decided about",
    message: "the table of {entity} does not allow all that this rule writes: {moves}",
    help: "Events arrive late and in any order, so the rule can meet the entity in each of these states. It then waits for the predecessor and, after 15 minutes, becomes a dead letter. If that is what is wanted, say so with `hold:` of the rule or the pipeline; `then: force` makes the move all the same, `then: skip` leaves it out. Or allow the move in the table.",
    wrong: "states: { trialing: [active], active: [canceled], canceled: [] }",
    right: "hold: { window: 15m, then: dead_letter }",
  },
  HK1173: {
    title: "A move that is none",
    message: "`{state}` of {entity} lists itself: staying in a state is always allowed",
    help: "A target equal to the current state is no transition, and `on_enter` does not fire for it. The entry does nothing.",
  },
} as const satisfies ErrorEntries;
