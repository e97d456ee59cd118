/** What the last minutes of a pipeline were like, for people. */
export interface PipelineStats {
  readonly pipeline: string;
  /** Turns that ended, a second. */
  readonly rate: number;
  readonly events: number;
  readonly delivered: number;
  readonly retries: number;
  readonly dead: number;
  readonly skipped: number;
  /** Of what ended, the share that is not dead; absent when nothing did. */
  readonly success?: number;
  /** From receipt to done, ms; the upper end of a band that is at most a fifth wide. Absent when nothing ended. */
  readonly lagP50?: number;
  readonly lagP95?: number;
}
