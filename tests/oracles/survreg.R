# Prints what test_oracles.py freezes; diabetes.csv is lifelines' load_diabetes(), written with
#   python -c "from lifelines.datasets import load_diabetes; load_diabetes().to_csv('diabetes.csv', index=False)"
# Run: Rscript survreg.R   (R with the package survival)
library(survival)
cat(R.version.string, "survival", as.character(packageVersion("survival")), "\n")
d <- read.csv("diabetes.csv")
d$left[d$left == 0] <- NA # survreg takes NA for left-censored
d$male <- as.numeric(d$gender == "male")
for (distribution in c("loglogistic", "lognormal", "weibull")) {
  fit <- survreg(Surv(left, right, type = "interval2") ~ male, data = d, dist = distribution,
                 control = survreg.control(rel.tolerance = 1e-13, maxiter = 100))
  se <- sqrt(diag(vcov(fit)))
  cat(distribution, sprintf("%.8f", c(fit$coefficients, fit$scale, fit$loglik[2], se)), "\n")
}
