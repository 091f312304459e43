"""Formulas that have names, in English and Chinese."""

from __future__ import annotations

from recipes.nano.data.formula_grammar import Formula
from recipes.nano.data.formula_latex import normalise

# LaTeX, English name, Chinese name
NAMED: tuple[tuple[str, str, str], ...] = (
    (r"a^2 + b^2 = c^2", "the Pythagorean theorem", "勾股定理"),
    (r"x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}", "the quadratic formula", "一元二次方程求根公式"),
    (r"E = mc^2", "the mass-energy equivalence", "质能方程"),
    (r"e^{i\pi} + 1 = 0", "Euler's identity", "欧拉恒等式"),
    (r"F = ma", "Newton's second law", "牛顿第二定律"),
    (r"F = G\frac{m_1 m_2}{r^2}", "the law of universal gravitation", "万有引力定律"),
    (r"PV = nRT", "the ideal gas law", "理想气体状态方程"),
    (r"\sin^2 \theta + \cos^2 \theta = 1", "the Pythagorean trigonometric identity", "三角恒等式"),
    (r"V = IR", "Ohm's law", "欧姆定律"),
    (r"A = \pi r^2", "the area of a circle", "圆的面积公式"),
    (r"V = \frac{4}{3}\pi r^3", "the volume of a sphere", "球的体积公式"),
    (r"c^2 = a^2 + b^2 - 2ab\cos C", "the law of cosines", "余弦定理"),
    (r"\frac{a}{\sin A} = \frac{b}{\sin B} = \frac{c}{\sin C}", "the law of sines", "正弦定理"),
    (r"P(A|B) = \frac{P(B|A)P(A)}{P(B)}", "Bayes' theorem", "贝叶斯公式"),
    (r"(a+b)^n = \sum_{k=0}^n \binom{n}{k} a^{n-k} b^k", "the binomial theorem", "二项式定理"),
    (r"\int_a^b f(x) \, dx = F(b) - F(a)", "the fundamental theorem of calculus", "微积分基本定理"),
    (r"\int_{-\infty}^{\infty} e^{-x^2} \, dx = \sqrt{\pi}", "the Gaussian integral", "高斯积分"),
    (r"\sum_{n=1}^{\infty} \frac{1}{n^2} = \frac{\pi^2}{6}", "the Basel problem", "巴塞尔问题"),
    (r"V - E + F = 2", "Euler's polyhedron formula", "多面体欧拉公式"),
    (r"E = h\nu", "the Planck relation", "普朗克关系式"),
    (r"\frac{1}{f} = \frac{1}{u} + \frac{1}{v}", "the thin lens equation", "薄透镜公式"),
    (r"i\hbar \frac{\partial}{\partial t} \Psi = \hat{H} \Psi", "the Schrödinger equation", "薛定谔方程"),
    (r"F = k\frac{q_1 q_2}{r^2}", "Coulomb's law", "库仑定律"),
    (r"|x + y| \leq |x| + |y|", "the triangle inequality", "三角不等式"),
    (r"\lim_{x \to 0} \frac{\sin x}{x} = 1", "the first remarkable limit", "第一个重要极限"),
    (r"T = 2\pi \sqrt{\frac{L}{g}}", "the period of a pendulum", "单摆周期公式"),
    (r"S = \frac{n(a_1 + a_n)}{2}", "the sum of an arithmetic series", "等差数列求和公式"),
    (r"f(x) = \sum_{n=0}^{\infty} \frac{f^{(n)}(a)}{n!}(x-a)^n", "the Taylor series", "泰勒级数"),
)


def named(index: int) -> Formula:
    """The formula of a row of NAMED."""
    latex = NAMED[index][0]
    left, _, right = latex.partition(" = ")
    marks = {"left": normalise(left), "right": normalise(right)} if latex.count("=") == 1 and right else {}
    return Formula((latex,), 3, marks)
