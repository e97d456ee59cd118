/** Values for the references of the example language: none of them opens anything. */
export const exampleEnv = {
  STRIPE_WHSEC: "whsec_test",
  STRIPE_WHSEC_OLD: "whsec_test_old",
  TYPEFORM_SECRET: "typeform-test",
  CLERK_WHSEC: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  CIO_SITE_ID: "site",
  CIO_API_KEY: "key",
  HUBSPOT_TOKEN: "token",
  SF_ID: "id",
  SF_SECRET: "secret",
  ZENDESK_TOKEN: "token",
  SLACK_TOKEN: "token",
};
