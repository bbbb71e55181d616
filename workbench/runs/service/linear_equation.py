"""What a linear regression has learned, as an equation."""

from __future__ import annotations

from workbench.runs.service.base import Number, ServiceData

_TERMS_SHOWN = 8


class LinearEquation(ServiceData):
    """target = intercept + the sum of weight × input, all in their own units."""

    target: str
    weights: tuple[tuple[str, Number], ...]
    intercept: Number

    @property
    def text(self) -> str:
        """``y = 2.98 × x + 2.01``; of many inputs the first."""
        terms = [f"{weight:.4g} × {name}" for name, weight in self.weights[:_TERMS_SHOWN]]
        more = len(self.weights) - len(terms)
        terms += [f"… ({more} more)"] if more > 0 else []
        return f"{self.target} = {' + '.join([*terms, f'{self.intercept:.4g}'])}".replace("+ -", "− ")
